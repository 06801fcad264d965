//! Ours against `stun-types`: what one writes, the other reads; what one refuses, the other does not trust.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;
use stun_types::attribute::{ErrorCode, Realm, Software, XorMappedAddress};
use stun_types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message as Theirs, MessageClass, MessageIntegrityCredentials,
    MessageType, MessageWrite, MessageWriteExt, MessageWriteVec, Method as TheirMethod,
};

use crate::probe::stun::attribute::{ERROR_CODE, REALM, SOFTWARE, XOR_MAPPED_ADDRESS};
use crate::probe::stun::integrity::{Hash, Integrity, Key, Seal};
use crate::probe::stun::message::Class;
use crate::probe::stun::{Message, Method, Request};

/// A class of ours, as they and we call it, and its name here.
fn classes() -> impl Strategy<Value = (MessageClass, Class)> {
    prop_oneof![
        Just((MessageClass::Request, Class::Request)),
        Just((MessageClass::Indication, Class::Indication)),
        Just((MessageClass::Success, Class::Success)),
        Just((MessageClass::Error, Class::Error)),
    ]
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<u32>(), any::<u16>()).prop_map(|(bits, port)| (Ipv4Addr::from(bits), port).into()),
        (any::<u128>(), any::<u16>()).prop_map(|(bits, port)| (Ipv6Addr::from(bits), port).into()),
    ]
}

fn hashes() -> impl Strategy<Value = (IntegrityAlgorithm, Hash, Integrity)> {
    prop_oneof![
        Just((IntegrityAlgorithm::Sha1, Hash::Md5, Integrity::Sha1)),
        Just((IntegrityAlgorithm::Sha256, Hash::Sha256, Integrity::Sha256)),
    ]
}

fn number(transaction: [u8; 12]) -> u128 {
    transaction.iter().fold(0, |number, octet| number << 8 | u128::from(*octet))
}

fn credentials(user: &str, realm: &str, password: &str) -> MessageIntegrityCredentials {
    LongTermKeyCredentials::new(user.to_owned(), password.to_owned(), realm.to_owned()).into()
}

proptest! {
    #[test]
    fn we_read_what_they_write(
        (their_class, class) in classes(),
        method in 0_u16..0x1000,
        transaction: [u8; 12],
        address in addresses(),
        code in 300_u16..700,
        text in "[a-z ]{0,40}",
        (algorithm, hash, integrity) in hashes(),
        user in "[a-z:]{1,20}",
        password in ".{1,20}",
    ) {
        let kind = MessageType::from_class_method(their_class, TheirMethod::new(method));
        let mut theirs = Theirs::builder(kind, number(transaction).into(), MessageWriteVec::new());
        theirs.add_attribute(&Software::new(&text).unwrap()).unwrap();
        theirs.add_attribute(&XorMappedAddress::new(address, number(transaction).into())).unwrap();
        theirs.add_attribute(&ErrorCode::builder(code).reason(&text).build().unwrap()).unwrap();
        theirs.add_attribute(&Realm::new("example.org").unwrap()).unwrap();
        theirs.add_message_integrity(&credentials(&user, "example.org", &password), algorithm).unwrap();
        theirs.add_fingerprint().unwrap();
        let octets = theirs.finish();

        let ours = Message::parse(&octets).unwrap();
        prop_assert_eq!((ours.header().class, ours.header().method), (class, method));
        prop_assert_eq!(ours.header().transaction, transaction);
        prop_assert_eq!(ours.value(SOFTWARE), Some(text.as_bytes()));
        prop_assert_eq!(ours.xor_address(XOR_MAPPED_ADDRESS), Some(address));
        let error = ours.error().unwrap();
        prop_assert_eq!((error.code, error.reason), (code, text.as_bytes()));
        let key = |password: &str| {
            Key::long_term(hash, user.as_bytes(), b"example.org", password.as_bytes(), integrity)
        };
        prop_assert_eq!(key(&password).judge(&ours), Seal::Good);
        prop_assert_eq!(key(&format!("{password}.")).judge(&ours), Seal::Wrong);
    }

    #[test]
    fn they_read_what_we_write(
        transaction: [u8; 12],
        method in prop_oneof![Just(Method::Binding), Just(Method::Allocate), Just(Method::Refresh)],
        values in vec((0_u16..0x7fff, vec(any::<u8>(), 0..80)), 0..6),
        (algorithm, hash, integrity) in hashes(),
        user in "[a-z]{1,20}",
        password in ".{1,20}",
    ) {
        let key = Key::long_term(hash, user.as_bytes(), b"example.org", password.as_bytes(), integrity);
        let mut request = Request::new(method, transaction);
        // Those that they read by meaning, or that end a message, stand apart.
        let plain = |kind: u16| ![0x0008, ERROR_CODE, 0x001c, REALM].contains(&kind);
        for (kind, value) in values.iter().filter(|(kind, _)| plain(*kind)) {
            request = request.with(*kind, value);
        }
        let request = request.with(REALM, b"example.org").sealed(&key).fingerprinted();

        let theirs = Theirs::from_bytes(request.octets()).unwrap();
        prop_assert_eq!((theirs.class(), theirs.method().value()), (MessageClass::Request, method.number()));
        prop_assert_eq!(theirs.transaction_id(), number(transaction).into());
        for (kind, value) in values.iter().filter(|(kind, _)| plain(*kind)) {
            let first = values.iter().find(|(other, _)| other == kind).unwrap();
            prop_assert_eq!(&*theirs.raw_attribute((*kind).into()).unwrap().value, first.1.as_slice(), "{:?}", value);
        }
        prop_assert_eq!(
            theirs.validate_integrity(&credentials(&user, "example.org", &password)).unwrap(),
            algorithm
        );
    }

    /// Any octets: no panic, and what we take they take too, to the same attributes.
    #[test]
    fn what_we_take_they_take(
        body in vec(any::<u8>(), 0..200),
        kind in 0_u16..0x4000,
        honest: bool,
        length: u16,
    ) {
        let body_length = if honest { u16::try_from(body.len()).unwrap() } else { length };
        let mut octets = kind.to_be_bytes().to_vec();
        octets.extend(body_length.to_be_bytes());
        octets.extend([0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        octets.extend(&body);
        if let Ok(ours) = Message::parse(&octets) {
            let theirs = Theirs::from_bytes(&octets).unwrap();
            prop_assert_eq!(ours.header().method, theirs.method().value());
            for attribute in ours.attributes() {
                let wanted = theirs.raw_attribute(attribute.kind.into()).unwrap();
                let first = ours.value(attribute.kind).unwrap();
                prop_assert_eq!(first, &*wanted.value);
            }
        }
    }

    /// Attributes that fit, in any order and number: taken, and read as they are.
    #[test]
    fn attributes_that_fit_are_read(values in vec((0_u16..0xffff, vec(any::<u8>(), 0..60)), 0..12)) {
        let seals = [0x0008, 0x001c, 0x8028];
        let values: Vec<_> = values.into_iter().filter(|(kind, _)| !seals.contains(kind)).collect();
        let attributes: Vec<_> = values.iter().map(|(kind, value)| (*kind, value.as_slice())).collect();
        let octets = super::message(0x0101, [7; 12], &attributes);
        let ours = Message::parse(&octets).unwrap();
        let read: Vec<_> = ours.attributes().map(|attribute| (attribute.kind, attribute.value)).collect();
        prop_assert_eq!(read, attributes);
    }
}
