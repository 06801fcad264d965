//! The check `tls` against servers with good, expired, foreign and unknown certificates, and against no TLS at all.
