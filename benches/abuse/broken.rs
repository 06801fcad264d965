//! Packets that are no queries.

/// Makes them, the same in each run.
pub(crate) struct Broken {
    sound: Vec<Vec<u8>>,
    state: u64,
}

impl Broken {
    pub(crate) fn new(sound: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { sound, state: seed | 1 }
    }

    /// Returns the next one: cut, changed, with counts that lie, names that point in circles, responses, noise.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let which = self.below(self.sound.len());
        let mut packet = self.sound.get(which).cloned().unwrap_or_default();
        match self.below(7) {
            0 => packet.truncate(self.below(packet.len())),
            1 => {
                for _ in 0..=self.below(4) {
                    let place = self.below(packet.len());
                    self.put(&mut packet, place);
                }
            }
            2 => {
                let place = 4 + self.below(8);
                self.put(&mut packet, place);
            }
            3 => packet.splice(12.., *b"\xc0\x0c\x00\x21\x00\x01").for_each(drop),
            4 => packet.iter_mut().skip(2).take(1).for_each(|flags| *flags |= 0x80),
            5 => packet = (0..self.below(600)).map(|_| self.octet()).collect(),
            _ => {
                let length = 1_000 + self.below(3_000);
                packet.resize_with(length, || self.octet());
                packet.iter_mut().skip(10).take(2).for_each(|count| *count = 0xff);
            }
        }
        packet
    }

    fn put(&mut self, packet: &mut [u8], place: usize) {
        let octet = self.octet();
        if let Some(old) = packet.get_mut(place) {
            *old = octet;
        }
    }

    fn octet(&mut self) -> u8 {
        let [octet, ..] = self.number().to_be_bytes();
        octet
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() >> 33).unwrap_or(0) % limit.max(1)
    }

    /// Marsaglia's xorshift.
    fn number(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}
