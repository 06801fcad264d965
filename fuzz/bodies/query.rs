//! Reads packets as a listener does.

use understudy::serve::QueryView;

/// Runs one input.
pub(crate) fn run(packet: &[u8]) {
    if let Ok(QueryView { question: Some(question), edns, .. }) = QueryView::parse(packet) {
        assert_eq!(question.octets.len(), question.name.len() + 4);
        assert!(edns.is_none_or(|edns| edns.options.len() < packet.len()));
    }
}
