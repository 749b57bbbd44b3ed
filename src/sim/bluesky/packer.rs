//! Packs the stream's messages as a Jetstream does: one zstd frame each, with the dictionary it publishes.

use std::fmt;

use zstd::bulk::Compressor;

/// The adapter has the same file; a simulator that shared its code could not find its mistakes.
const DICTIONARY: &[u8] = include_bytes!("../../net/bluesky/dictionary/jetstream.zdict");
/// The level of the real servers' library by default.
const LEVEL: i32 = 3;

/// Made when the first listener asks for packed frames.
#[derive(Default)]
pub(super) struct Packer(Option<Compressor<'static>>);

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Packer").field(&self.0.is_some()).finish()
    }
}

impl Packer {
    pub(super) fn pack(&mut self, text: &str) -> std::io::Result<Vec<u8>> {
        let packer = match &mut self.0 {
            Some(packer) => packer,
            empty => empty.insert(Compressor::with_dictionary(LEVEL, DICTIONARY)?),
        };
        packer.compress(text.as_bytes())
    }
}
