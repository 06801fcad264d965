//! Bodies as their receivers want them: a template in the language of Jinja, whose values are escaped for JSON.

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Value, json};

/// A template that has been tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    /// The name under which it is rendered: its ending tells how values are escaped.
    name: &'static str,
}

impl Template {
    /// Takes a template for a type of bodies, and tries it with an event in which every field is set.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(source: &str, content_type: &str) -> Result<Self, String> {
        let name = if content_type.contains("json") { "body.json" } else { "body.txt" };
        let template = Self { source: source.to_owned(), name };
        let body = template.fill(&sample(), UndefinedBehavior::Strict)?;
        if name == "body.json"
            && let Err(error) = serde_json::from_str::<Value>(&body)
        {
            return Err(format!("what it makes is no JSON: {error}"));
        }
        Ok(template)
    }

    /// Renders it; a field that an event does not have is `null` or empty.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn render(&self, message: &impl Serialize) -> Result<String, String> {
        self.fill(message, UndefinedBehavior::Chainable)
    }

    fn fill(&self, message: &impl Serialize, undefined: UndefinedBehavior) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(undefined);
        environment.render_named_str(self.name, &self.source, message).map_err(|error| {
            let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", error.detail().map_or_else(|| error.kind().to_string(), str::to_owned))
        })
    }
}

/// An event in which every field is set.
fn sample() -> Value {
    json!({
        "sequence": 1,
        "at_ms": 1_800_000_000_000_u64,
        "at": "2027-01-15T08:00:00Z",
        "kind": "decision",
        "text": "_sip._tcp.example.com: tier 20 is active",
        "target": "sip 192.0.2.10:5060",
        "from": "up",
        "to": "down",
        "cause": "refused",
        "services": ["_sip._tcp.example.com."],
        "reason": "tier 20 is active",
        "moved": "failover from tier 10 to tier 20",
        "alarm": true,
        "order": { "id": 1, "force": "drained", "on": "sip-node1.example.com", "reason": "kernel", "author": "olga" },
        "generation": 2,
        "zones": [{ "zone": "example.com.", "serial": 3 }],
        "server": "ns1.example.com",
        "severity": "critical",
        "resolved": true,
        "subject": "service _sip._tcp.example.com",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_for_json_and_what_an_event_lacks_is_null() {
        let template = Template::parse(r#"{"text": {{ text }}, "cause": {{ cause }}}"#, "application/json").unwrap();
        let body = template.render(&json!({ "text": "a \"quote\"\nand a line" })).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, json!({ "text": "a \"quote\"\nand a line", "cause": null }));
        let plain = Template::parse("{{ text }} <{{ cause }}>", "text/plain").unwrap();
        assert_eq!(plain.render(&json!({ "text": "\"a\" & b" })).unwrap(), "\"a\" & b <>");
    }

    #[test]
    fn a_template_that_cannot_be_right_is_refused_with_its_line() {
        for (source, says) in [
            ("{\n{{ txet }}}", "line 2: undefined value"),
            ("{{ text", "line 1: "),
            ("{\"text\": \"{{ text }}\"}", "what it makes is no JSON"),
            ("{{ text | shout }}", "line 1: "),
        ] {
            let refused = Template::parse(source, "application/json").unwrap_err();
            assert!(refused.contains(says), "{source}: {refused}");
        }
    }
}
