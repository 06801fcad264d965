//! Any octets as the answers of binary protocols: no panic, and an answer that is whole stays one when more follows.

use understudy::probe::kerberos::{KerberosService, codec as kerberos};
use understudy::probe::{ber, ldap, minecraft, mysql};

/// Runs one input: each reader sees it.
pub(crate) fn run(octets: &[u8]) {
    let longer = [octets, b"more"].concat();
    if let Ok(Some((element, rest))) = ber::read(octets) {
        assert!(element.content.len() + rest.len() + 2 <= octets.len());
        assert!(ber::elements(element.content).count() <= element.content.len());
    }
    if let Ok(Some((message, length))) = ldap::codec::read(octets) {
        assert!(length <= octets.len());
        assert_eq!(ldap::codec::read(&longer), Ok(Some((message, length))));
    }
    if let Ok(Some(message)) = kerberos::unframed(octets) {
        assert_eq!(kerberos::unframed(&longer), Ok(Some(message)));
        assert_eq!(kerberos::unframed(&kerberos::framed(message)), Ok(Some(message)));
    }
    for service in [KerberosService::Tickets, KerberosService::Passwords] {
        kerberos::read(service, octets);
    }
    if let Ok(Some(packet)) = mysql::codec::greeting(octets) {
        assert_eq!(mysql::codec::greeting(&longer), Ok(Some(packet)));
    }
    if let Ok(Some(packet)) = mysql::codec::answer(octets) {
        assert_eq!(mysql::codec::answer(&longer), Ok(Some(packet)));
    }
    if let Ok(Some(())) = minecraft::codec::read(octets) {
        assert_eq!(minecraft::codec::read(&longer), Ok(Some(())));
    }
}
