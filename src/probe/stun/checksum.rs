//! The checksum of FINGERPRINT (RFC 8489 §14.7).

use crc::{CRC_32_ISO_HDLC, Crc};

/// Returns the CRC-32 of ITU-T V.42.
pub(super) fn crc32(octets: &[u8]) -> u32 {
    CRC.checksum(octets)
}

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
