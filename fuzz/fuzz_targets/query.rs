//! Reads packets as a door does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use understudy::serve::QueryView;

fuzz_target!(|packet: &[u8]| {
    if let Ok(QueryView { question: Some(question), edns, .. }) = QueryView::parse(packet) {
        assert_eq!(question.octets.len(), question.name.len() + 4);
        assert!(edns.is_none_or(|edns| edns.options.len() < packet.len()));
    }
});
