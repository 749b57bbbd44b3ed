//! Packed frames: one zstd frame each, written with the dictionary that Jetstream publishes.

use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

/// See the notice beside it for where it comes from.
const DICTIONARY: &[u8] = include_bytes!("dictionary/jetstream.zdict");
/// So many frames in a row that cannot be unpacked are no accident of the line: the server packs otherwise.
const STRANGE: u32 = 10;

/// Why a frame was not unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("more than {most} bytes")]
    TooLong { most: usize },
    #[error("{0}")]
    Broken(String),
}

/// Unpacks the frames of one connection.
pub(super) struct Unpacker {
    dictionary: Decompressor<'static>,
    most: usize,
    failures: u32,
}

impl Unpacker {
    /// Nothing longer than `most` bytes is unpacked, however small it came.
    pub(super) fn new(most: usize) -> Result<Self, Unfit> {
        let dictionary = Decompressor::with_dictionary(DICTIONARY).map_err(|error| Unfit::Broken(error.to_string()))?;
        Ok(Self { dictionary, most, failures: 0 })
    }

    /// Puts what is in `frame` into `room`, whose old content goes.
    pub(super) fn unpack(&mut self, frame: &[u8], room: &mut Vec<u8>) -> Result<(), Unfit> {
        room.clear();
        // What it says of its own length is believed only where it refuses the frame; the room is the bound.
        let says = get_frame_content_size(frame).ok().flatten();
        if says.is_some_and(|says| says > self.most as u64) {
            return Err(Unfit::TooLong { most: self.most });
        }
        room.reserve_exact(self.most);
        match self.dictionary.decompress_to_buffer(frame, room) {
            Ok(_) if room.len() > self.most => Err(Unfit::TooLong { most: self.most }),
            Ok(_) => {
                self.failures = 0;
                Ok(())
            }
            Err(error) => {
                let words = error.to_string();
                if words.contains("buffer is too small") {
                    return Err(Unfit::TooLong { most: self.most });
                }
                self.failures += 1;
                Err(Unfit::Broken(words))
            }
        }
    }

    /// The server packs in a way that is not ours: none of its latest frames could be unpacked.
    pub(super) fn is_strange(&self) -> bool {
        self.failures >= STRANGE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zstd::bulk::Compressor;

    use super::{DICTIONARY, STRANGE, Unfit, Unpacker};

    fn packed(text: &[u8]) -> Vec<u8> {
        Compressor::with_dictionary(3, DICTIONARY).unwrap().compress(text).unwrap()
    }

    fn message(text: &str) -> String {
        format!(
            "{{\"did\":\"did:plc:abc\",\"time_us\":1795289671273000,\"kind\":\"commit\",\"commit\":{{\"rev\":\"3n2a\",\
             \"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"3n2tttlzf5c22\",\
             \"record\":{{\"$type\":\"app.bsky.feed.post\",\"createdAt\":\"2026-11-21T19:34:31.206Z\",\
             \"langs\":[\"en\"],\"text\":\"{text}\"}},\"cid\":\"bafyreih6xpomp4h7gjg2hw2ssoxpqjsa7iqhpxlyhpmvhjbkvbz2zsrr2a\"}}}}"
        )
    }

    #[test]
    fn the_dictionary_is_the_published_one_and_halves_a_message() {
        assert_eq!(DICTIONARY.len(), 112_640);
        assert_eq!(u32::from_le_bytes(DICTIONARY[4..8].try_into().unwrap()), 1_612_007_021);
        let message = message("acme is slow");
        let packed = packed(message.as_bytes());
        assert!(packed.len() * 2 < message.len(), "{} of {}", packed.len(), message.len());
        let (mut unpacker, mut room) = (Unpacker::new(1024).unwrap(), vec![7; 9]);
        assert_eq!(unpacker.unpack(&packed, &mut room), Ok(()));
        assert_eq!(room, message.as_bytes());
    }

    #[test]
    fn a_bomb_is_refused_whether_it_says_its_length_or_not() {
        let (mut unpacker, mut room) = (Unpacker::new(10_000).unwrap(), Vec::new());
        let blanks = vec![b' '; 64 * 1024 * 1024];
        let told = packed(&blanks);
        assert!(told.len() < 20_000, "{}", told.len());
        assert_eq!(unpacker.unpack(&told, &mut room), Err(Unfit::TooLong { most: 10_000 }));
        let mut writer = zstd::stream::Encoder::with_dictionary(Vec::new(), 3, DICTIONARY).unwrap();
        std::io::Write::write_all(&mut writer, &blanks).unwrap();
        let untold = writer.finish().unwrap();
        assert_eq!(unpacker.unpack(&untold, &mut room), Err(Unfit::TooLong { most: 10_000 }));
        // One after the other in one message: the room is for all of them.
        let half = packed(&[b'x'; 6_000]);
        assert_eq!(unpacker.unpack(&half.repeat(2), &mut room), Err(Unfit::TooLong { most: 10_000 }));
        assert!(room.capacity() < 20_000, "{}", room.capacity());
        assert!(!unpacker.is_strange());
        unpacker.unpack(&packed(&[b'x'; 10_000]), &mut room).unwrap();
    }

    #[test]
    fn frames_packed_otherwise_are_known_after_a_few() {
        let (mut unpacker, mut room) = (Unpacker::new(10_000).unwrap(), Vec::new());
        let good = packed(message("hello").as_bytes());
        let mut broken = good.clone();
        let middle = broken.len() / 2;
        broken[middle] ^= 0x55;
        broken.truncate(good.len() - 3);
        for _ in 1..STRANGE {
            assert!(matches!(unpacker.unpack(&broken, &mut room), Err(Unfit::Broken(_))));
        }
        assert!(!unpacker.is_strange());
        unpacker.unpack(&good, &mut room).unwrap();
        let other: Vec<u8> = DICTIONARY[..8].iter().copied().chain([0; 8]).collect();
        for _ in 0..STRANGE {
            assert!(matches!(unpacker.unpack(&other, &mut room), Err(Unfit::Broken(_))));
        }
        assert!(unpacker.is_strange());
    }

    proptest! {
        #[test]
        fn any_bytes_are_unpacked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), flip in 0usize..300) {
            let (mut unpacker, mut room) = (Unpacker::new(5_000).unwrap(), Vec::new());
            let _ = unpacker.unpack(&bytes, &mut room);
            let mut bent = packed(message("hello").as_bytes());
            if let Some(byte) = bent.get_mut(flip) { *byte ^= 0xff; }
            let _ = unpacker.unpack(&bent, &mut room);
            prop_assert!(room.len() <= 5_000);
        }
    }
}
