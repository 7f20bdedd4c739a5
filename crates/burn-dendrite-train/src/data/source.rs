//! The content of a file, be it plain or compressed with gzip.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{DataError, sniff};

/// No deflate stream grows by more than this factor (258 bytes from two bits, less overhead).
const MAXIMUM_INFLATION: u64 = 1032;

/// How much memory is set aside at once while the true length of a compressed file is unknown.
const CHUNK_BYTES: u64 = 1 << 20;

/// So many bytes tell what a file is.
const BEGINNING: u64 = 64;

/// The uncompressed content of a file.
pub(super) struct Source<'a> {
    path: &'a Path,
    content: Box<dyn Read>,
    /// The most bytes that the content can have: exact for a plain file.
    longest: u64,
    /// What reading does to the file, for messages.
    action: &'static str,
}

impl<'a> Source<'a> {
    /// Opens a file, which is told to be compressed by its content rather than by its name.
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        let mut file = File::open(path).map_err(DataError::io("open", path))?;
        let length = file
            .metadata()
            .map_err(DataError::io("measure", path))?
            .len();
        let mut start = Vec::new();
        file.by_ref()
            .take(BEGINNING)
            .read_to_end(&mut start)
            .map_err(DataError::io("read", path))?;
        file.seek(SeekFrom::Start(0))
            .map_err(DataError::io("read", path))?;
        let reader = BufReader::new(file);
        if sniff::is_web_page(&start) {
            return Err(DataError::WebPage {
                path: path.to_path_buf(),
            });
        }
        // Neither an IDX file, nor an array of NumPy, nor text begins like this.
        if start.starts_with(&[0x1f, 0x8b]) {
            Ok(Self {
                path,
                content: Box::new(MultiGzDecoder::new(reader)),
                longest: length.saturating_mul(MAXIMUM_INFLATION),
                action: "decompress",
            })
        } else {
            Ok(Self {
                path,
                content: Box::new(reader),
                longest: length,
                action: "read",
            })
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// The most bytes that the content can have: exact for a plain file.
    pub(super) fn longest(&self) -> u64 {
        self.longest
    }

    /// The content as something to read from; a failure is that of the operating system.
    pub(super) fn into_reader(self) -> Box<dyn Read> {
        self.content
    }

    /// The next `count` bytes, or fewer if the content ends before.
    ///
    /// Memory is asked for piece by piece as the bytes arrive, and a refusal is an error.
    pub(super) fn read_up_to(&mut self, count: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let mut missing = count;
        while missing > 0 {
            let wanted = missing.min(CHUNK_BYTES);
            let before = bytes.len();
            let outcome = bytes
                .try_reserve(wanted as usize)
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
                .and_then(|()| self.content.by_ref().take(wanted).read_to_end(&mut bytes));
            match outcome {
                // A compressed file that was cut off ends in an error instead of an end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(DataError::io(self.action, self.path)(error)),
                Ok(0) => break,
                Ok(_) => missing -= (bytes.len() - before) as u64,
            }
        }
        Ok(bytes)
    }

    /// Whether there is nothing more.
    ///
    /// For a compressed file this also makes sure that the checksum behind its content is there and
    /// right, so an early end is an error here.
    pub(super) fn is_at_end(&mut self) -> Result<bool, DataError> {
        let mut rest = Vec::new();
        let outcome = self.content.by_ref().take(1).read_to_end(&mut rest);
        outcome.map_err(DataError::io(self.action, self.path))?;
        Ok(rest.is_empty())
    }
}
