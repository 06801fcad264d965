//! Chromium without a screen opens the dashboard, by its own protocol over two pipes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN};

/// A browser with one page.
struct Browser {
    child: Child,
    requests: File,
    answers: BufReader<File>,
    number: u64,
    session: Option<String>,
}

impl Browser {
    /// Opens a page. Whatever the browser wants from elsewhere ends at a port of this machine where nobody is.
    fn open(folder: &Path, url: &str) -> Self {
        let pipes = [folder.join("requests"), folder.join("answers")];
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        let flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-pipe --no-first-run \
                     --disable-background-networking --disable-component-update --disable-sync --disable-default-apps \
                     --disable-extensions --proxy-server=127.0.0.1:9 --proxy-bypass-list=127.0.0.1";
        let profile = folder.join("profile");
        let script = format!("exec chromium {flags} --user-data-dir=\"$2\" about:blank 3<\"$0\" 4>\"$1\"");
        let child = Command::new("sh")
            .args(["-c", &script])
            .args(&pipes)
            .arg(profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let answers = BufReader::new(File::open(&pipes[1]).unwrap());
        let mut browser = Self { child, requests, answers, number: 0, session: None };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.call("Page.navigate", &json!({ "url": url }));
        browser
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut request = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        self.requests.write_all(&[request.to_string().as_bytes(), b"\0"].concat()).unwrap();
        loop {
            let mut octets = Vec::new();
            assert!(self.answers.read_until(0, &mut octets).unwrap() > 0, "the browser has ended");
            octets.pop();
            let answer: Value = serde_json::from_slice(&octets).unwrap();
            if answer["id"] == self.number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Returns what an expression is in the page.
    fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.call("Runtime.evaluate", &params)["result"]["value"].clone()
    }

    /// Waits until the page says something; returns for how long.
    #[track_caller]
    fn wait(&mut self, text: &str) -> Duration {
        let begun = Instant::now();
        let mut last = Value::Null;
        while begun.elapsed() < Duration::from_secs(60) {
            last = self.eval("document.body ? document.body.innerText : ''");
            if last.as_str().is_some_and(|page| page.contains(text)) {
                return begun.elapsed();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("the page does not say {text:?}: {last}");
    }

    /// Shows the page as large as a screen, in the light or in the dark.
    fn show(&mut self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A target that takes connections as long as it lives.
fn target(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).unwrap()
}

fn port(target: &TcpListener) -> u16 {
    target.local_addr().unwrap().port()
}

/// What keeps people from using the page: fields without a label, words that can hardly be read, what is wider than the
/// screen.
const FAULTS: &str = r#"(() => {
    const faults = [];
    const seen = element => element.offsetParent !== null;
    const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach(id => faults.push("twice: #" + id));
    document.querySelectorAll("input, select, textarea").forEach(field => {
        if (seen(field) && !field.labels.length && !field.getAttribute("aria-label")) faults.push("no label: " + field.id);
    });
    document.querySelectorAll("button, a, [role=region], section").forEach(part => {
        const name = part.getAttribute("aria-label") || part.getAttribute("aria-labelledby") || part.innerText;
        if (seen(part) && !name.trim()) faults.push("no name: " + part.outerHTML.slice(0, 80));
    });
    if (!document.documentElement.lang || !document.title) faults.push("no language or no title");
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    if (document.documentElement.scrollWidth > innerWidth + 1) faults.push("wider than the screen");
    const light = colour => {
        const parts = colour.match(/[\d.]+/g).map(Number);
        const linear = parts.slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return [0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], parts.length > 3 ? parts[3] : 1];
    };
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const element = words.currentNode.parentElement;
        if (!words.currentNode.data.trim() || !seen(element)) continue;
        const [ink] = light(getComputedStyle(element).color);
        let ground = 1;
        for (let under = element; under; under = under.parentElement) {
            const [paper, opacity] = light(getComputedStyle(under).backgroundColor);
            if (opacity === 1) { ground = paper; break; }
        }
        const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        if (contrast < 4.5) faults.push(contrast.toFixed(2) + ": " + words.currentNode.data.trim().slice(0, 40));
    }
    return faults;
})()"#;

#[test]
fn the_dashboard_changes_by_itself_while_targets_die_and_return_and_can_be_read() {
    let [node, standby] = [target(0), target(0)];
    let (node_port, standby_port) = (port(&node), port(&standby));
    let zone = format!(
        "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
         _x._tcp IN SRV 10 0 {node_port} node\n_x._tcp IN SRV 20 0 {standby_port} dr\nnode IN A 127.0.0.1\ndr IN A 127.0.0.1\n"
    );
    let config = "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nadmin-listen = \"127.0.0.1:0\"\nadmin-token-file = \"token\"\n\
                  [health]\ninterval = \"500ms\"\ndown-interval = \"500ms\"\nfast-interval = \"200ms\"\ntimeout = \"60s\"\n\
                  [policy]\nhold = \"0s\"\n[[service]]\nmatch = \"_x._tcp.example.com\"\ncheck = { kind = \"tcp\" }\n\
                  [[zone]]\nfile = \"example.com.zone\"\n";
    let server = Server::run("browser", config, &zone, "http");
    let mut browser = Browser::open(server.folder(), &format!("{}/", server.url()));
    browser.wait("a token is needed");
    browser.eval(&format!(
        "document.getElementById('token').value = '{TOKEN}'; document.getElementById('login').requestSubmit()"
    ));
    browser.wait("tier 10 is active");

    let mut node = Some(node);
    let mut took = Vec::new();
    for _ in 0..5 {
        drop(node.take());
        took.push(browser.wait("tier 20 is active"));
        node = Some(target(node_port));
        browser.wait("tier 10 is active");
        if took.iter().any(|time| *time <= Duration::from_secs(1)) {
            break;
        }
    }
    assert!(took.iter().any(|time| *time <= Duration::from_secs(1)), "it takes longer than a second: {took:?}");

    drop(node.take());
    browser.wait("tier 20 is active");
    for (size, scheme) in [((1280, 1000), "light"), ((1280, 1000), "dark"), ((390, 844), "light"), ((390, 844), "dark")]
    {
        browser.show(size, scheme);
        assert_eq!(browser.eval(FAULTS), json!([]), "{size:?} {scheme}");
    }
    drop(standby);
}
