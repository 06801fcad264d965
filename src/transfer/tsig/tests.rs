//! A chain of signed messages, and what breaks it.

use std::sync::Arc;

use super::record::{Tsig, expand};
use super::*;
use crate::base::clock::UnixTime;
use crate::transfer::{Algorithm, Key, KeyRing};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// A header with these two octets as its number.
fn header(id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![high, low, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

fn key(algorithm: Algorithm, secret: u8) -> Arc<Key> {
    Arc::new(Key::new(&"Transfer.Key.".parse().unwrap(), algorithm, &[secret; 20]))
}

/// Returns the record at the end of a message that has nothing else behind its header.
fn record(message: &[u8]) -> Tsig<'_> {
    let (_, behind) = expand(message, 12).unwrap();
    Tsig::read(message, 12, behind + 10..message.len()).unwrap()
}

/// A signed query, its verifier, and the signer of the answer.
fn exchange(algorithm: Algorithm) -> (Verifier, Signer) {
    let mut signer = Signer::of(key(algorithm, 1));
    let mut query = header(7);
    let room = signer.room();
    signer.sign(NOW, &mut query);
    assert_eq!(query.len(), 12 + room, "the room is what is needed");
    let keys: KeyRing = [Key::clone(&key(algorithm, 1))].into_iter().collect();
    let (answerer, refusal) = verify(&keys, &record(&query), NOW);
    assert_eq!(refusal, None);
    (Verifier::of(signer), answerer.unwrap())
}

#[test]
fn every_message_of_a_chain_is_verified_in_its_place() {
    for (_, algorithm) in Algorithm::ALL {
        let (mut verifier, mut signer) = exchange(algorithm);
        let mut messages = Vec::new();
        for number in 0..5 {
            let mut message = header(7);
            message[7] = number;
            signer.sign(NOW, &mut message);
            messages.push(message);
        }
        for message in &messages {
            verifier.next(message, Some(&record(message)), NOW).unwrap();
        }
        assert!(verifier.is_whole());
        let (mut verifier, _) = exchange(algorithm);
        verifier.next(&messages[0], Some(&record(&messages[0])), NOW).unwrap();
        let swapped = verifier.next(&messages[2], Some(&record(&messages[2])), NOW);
        assert_eq!(swapped, Err(Unverified::WrongMac), "one is left out");
    }
}

/// RFC 8945 §5.3.1: NSD and others leave messages in the middle unsigned.
#[test]
fn messages_in_the_middle_may_be_unsigned_and_count_with_the_next_signature() {
    let (mut verifier, mut signer) = exchange(Algorithm::HmacSha256);
    assert_eq!(verifier.next(&header(7), None, NOW), Err(Unverified::Unsigned), "never the first");
    let mut first = header(7);
    signer.sign(NOW, &mut first);
    verifier.next(&first, Some(&record(&first)), NOW).unwrap();
    verifier.next(&header(7), None, NOW).unwrap();
    assert!(!verifier.is_whole(), "nobody vouches for the last one");
    for _ in 0..98 {
        verifier.next(&header(7), None, NOW).unwrap();
    }
    assert_eq!(verifier.next(&header(7), None, NOW), Err(Unverified::TooFewSigned));
}

#[test]
fn what_is_signed_with_another_key_or_at_another_time_is_not_believed() {
    let (mut verifier, mut signer) = exchange(Algorithm::HmacSha256);
    let mut message = header(7);
    signer.sign(UnixTime::from_secs(NOW.as_secs() - 301), &mut message);
    assert_eq!(verifier.next(&message, Some(&record(&message)), NOW), Err(Unverified::WrongTime));
    for (other, found) in
        [(key(Algorithm::HmacSha256, 2), Unverified::WrongMac), (key(Algorithm::HmacSha384, 1), Unverified::OtherKey)]
    {
        let (mut verifier, _) = exchange(Algorithm::HmacSha256);
        let mut message = header(7);
        Signer::of(other).sign(NOW, &mut message);
        assert_eq!(verifier.next(&message, Some(&record(&message)), NOW), Err(found));
    }
}

#[test]
fn a_query_is_refused_for_the_reason_that_the_rfc_gives() {
    let keys: KeyRing = [Key::clone(&key(Algorithm::HmacSha256, 1))].into_iter().collect();
    let signed = |key: Arc<Key>, at: UnixTime| {
        let mut query = header(7);
        Signer::of(key).sign(at, &mut query);
        query
    };
    let good = signed(key(Algorithm::HmacSha256, 1), NOW);
    let mut changed = good.clone();
    changed[3] ^= 1;
    let late = signed(key(Algorithm::HmacSha256, 1), UnixTime::from_secs(NOW.as_secs() + 301));
    let cut = |octets: usize| {
        let mut message = good.clone();
        let mac = message.len() - 6 - 32;
        message.drain(mac + octets..mac + 32);
        message[mac - 1] = u8::try_from(octets).unwrap();
        message
    };
    for (query, refusal, told) in [
        (changed, Refusal::WrongMac, false),
        (late, Refusal::WrongTime, true),
        (signed(key(Algorithm::HmacSha512, 1), NOW), Refusal::UnknownKey, false),
        (cut(16), Refusal::Truncated, true),
        (cut(15), Refusal::Malformed, false),
    ] {
        let (signer, found) = verify(&keys, &record(&query), NOW);
        assert_eq!((found, signer.is_some()), (Some(refusal), told), "signed errors: RFC 8945 §5.3.2");
        let mut answer = header(7);
        let written = refusal.write(&record(&query), &mut answer, 512);
        assert_eq!(
            (written, answer[11]),
            (matches!(refusal, Refusal::UnknownKey | Refusal::WrongMac), u8::from(written))
        );
    }
}
