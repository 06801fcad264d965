//! The checks of binary protocols against servers that say what real ones said, and others that say something else.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::{Server, assert_saw, probe};
use crate::probe::kerberos::KerberosService;
use crate::probe::{Check, Kerberos, Ldap, Minecraft, Mqtt, Mumble, Mysql, Over, Postgresql, Tls, Verify};

/// A server that sends one text at the begin, and after each message that it reads the next.
async fn saying(texts: &[&[u8]]) -> Server {
    let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    Server::start(move |mut stream| {
        let texts = texts.clone();
        async move {
            for (index, text) in texts.iter().enumerate() {
                if index > 0 && stream.read(&mut [0; 1024]).await.unwrap_or(0) == 0 {
                    return;
                }
                stream.write_all(text).await.unwrap();
            }
            drop(stream.read(&mut [0; 1024]).await);
        }
    })
    .await
}

fn postgresql() -> Check {
    let tls = Tls {
        name: "example.com".to_owned(),
        verify: Verify::Off,
        alpn: Vec::new(),
        other_name: None,
        client_certificate: None,
        authority: None,
    };
    Check::Postgresql(Postgresql { tls })
}

fn kerberos(over: Over) -> Check {
    Check::Kerberos(Kerberos { service: KerberosService::Tickets, realm: "EXAMPLE.COM".to_owned(), over })
}

#[tokio::test]
async fn each_protocol_passes_by_its_own_answer_and_fails_by_others() {
    let ldap = || Check::Ldap(Ldap { tls: None });
    let mqtt = || Check::Mqtt(Mqtt { tls: None });
    let minecraft = || Check::Minecraft(Minecraft { name: "mc.example".to_owned() });
    let greeting: &[u8] = b"\x23\0\0\0\n5.5.5-10.11.19-MariaDB-0+deb12u1\0\x03";
    for (check, texts, class, part) in [
        (ldap(), &[&b""[..], b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"][..], "pass", ""),
        (ldap(), &[b"", b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x33\x04\x00\x04\x00"], "degraded", "busy"),
        (ldap(), &[b"", b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x34\x04\x00\x04\x00"], "fail", "not available"),
        (ldap(), &[b"", b"HTTP/1.1 400 Bad Request\r\n"], "fail", "no LDAP message"),
        (mqtt(), &[b"", b"\x20\x02\0\0"], "pass", ""),
        (mqtt(), &[b"", b"\x20\x02\0\x05"], "pass", ""),
        (mqtt(), &[b"", b"\x20\x02\0\x03"], "fail", "not available"),
        (mqtt(), &[b"", b"nothing"], "fail", "no CONNACK"),
        (postgresql(), &[b"", b"N"], "pass", ""),
        (postgresql(), &[b"", b"E"], "fail", "no more connections"),
        (postgresql(), &[b"", b"H"], "fail", "no PostgreSQL"),
        (Check::Mysql(Mysql), &[greeting, b"\x0f\0\0\x02\xff\x15\x04#28000denied"], "pass", ""),
        (Check::Mysql(Mysql), &[greeting, b"\x01\0\0\x02\xfe", b"\x0f\0\0\x04\xff\x15\x04#28000denied"], "pass", ""),
        (Check::Mysql(Mysql), &[b"\x0b\0\0\0\xff\x69\x04blocked."], "unknown", "locked out this checker"),
        (Check::Mysql(Mysql), &[b"\x0b\0\0\0\xff\x10\x04too many"], "degraded", "full"),
        (Check::Mysql(Mysql), &[b"\x0b\0\0\0\xff\x6a\x04not from"], "pass", ""),
        (Check::Mysql(Mysql), &[b"SSH-2.0-OpenSSH_9.2\r\n"], "fail", "no MySQL greeting"),
        (minecraft(), &[b"", b"\x05\x00\x03{ }"], "pass", ""),
        (minecraft(), &[b"", b"HTTP/1.1 400 Bad Request\r\n"], "fail", "no status"),
        (
            kerberos(Over::Tcp),
            &[b"", b"\0\0\0\x0e\x7e\x0c\x30\x0a\xa6\x03\x02\x01\x06\xa0\x03\x02\x01\x05"],
            "pass",
            "",
        ),
        (kerberos(Over::Tcp), &[b"", b"\0\0\0\x02\x30\0"], "fail", "no Kerberos"),
    ] {
        let server = saying(texts).await;
        let report = probe(server.address, check.clone()).await;
        assert_saw(&report, class, part);
        // What closes before it says anything is a failure of every kind.
        let closing = Server::start(|stream| async move { drop(stream) }).await;
        assert_saw(&probe(closing.address, check).await, "fail", "");
    }
}

#[tokio::test]
async fn datagrams_are_answered_and_others_passed_over() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let serve = async {
        let mut octets = [0; 512];
        for _ in 0..2 {
            let (length, from) = socket.recv_from(&mut octets).await.unwrap();
            socket.send_to(b"somebody else's", from).await.unwrap();
            let answer = match octets.get(..length) {
                Some([0, 0, 0, 0, ident @ ..]) if ident.len() == 8 => [&[0, 1, 5, 0], ident, &[0; 12]].concat(),
                _ => b"\x7e\x0c\x30\x0a\xa6\x03\x02\x01\x06\xa0\x03\x02\x01\x05".to_vec(),
            };
            socket.send_to(&answer, from).await.unwrap();
        }
    };
    let ask = async {
        assert_saw(&probe(address, Check::Mumble(Mumble)).await, "pass", "");
        assert_saw(&probe(address, kerberos(Over::Udp)).await, "pass", "");
    };
    tokio::join!(serve, ask);
}
