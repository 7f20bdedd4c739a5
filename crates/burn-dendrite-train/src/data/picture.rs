//! Image files, decoded with care: their size is known before any memory is set aside for them.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{DataError, sniff};

/// No image grows by more than this factor when it is decoded: deflate, which PNG uses, makes 258 bytes
/// of two bits at most, and JPEG less.
const LARGEST_RATIO: u64 = 1032;

/// Decodes a JPEG or PNG image of at most so many bytes, turned as its camera says; `accepts` refuses a
/// width and height in a few words.
///
/// # Errors
///
/// If the file cannot be read, is of another format, is cut, or is refused.
pub(super) fn decode(
    file: &Path,
    maximum_bytes: u64,
    accepts: impl FnOnce(u32, u32) -> Result<(), String>,
) -> Result<DynamicImage, DataError> {
    let wrong = |reason: String| DataError::Image {
        path: file.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(maximum_bytes + 1).read_to_end(&mut bytes))
        .map_err(DataError::io("read", file))?;
    if bytes.len() as u64 > maximum_bytes {
        return Err(wrong(format!(
            "it has more than the {maximum_bytes} bytes that are accepted"
        )));
    }
    let format = match image::guess_format(&bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => format,
        _ if sniff::is_web_page(&bytes) => {
            return Err(DataError::WebPage {
                path: file.to_owned(),
            });
        }
        _ => return Err(wrong("it is neither a JPEG nor a PNG image".to_owned())),
    };
    let failed = |error: image::ImageError| wrong(error.to_string());
    let reader = || ImageReader::with_format(Cursor::new(&bytes), format);
    let (width, height) = reader().into_dimensions().map_err(failed)?;
    accepts(width, height).map_err(wrong)?;
    if format == ImageFormat::Jpeg && !has_end(&bytes) {
        return Err(wrong(format!(
            "it ends at byte {} without a JPEG end marker",
            bytes.len()
        )));
    }
    let mut decoder = reader().into_decoder().map_err(failed)?;
    let claimed = decoder.total_bytes();
    if claimed > LARGEST_RATIO * (bytes.len() as u64 + 1) {
        return Err(wrong(format!(
            "it claims {width}x{height} pixels, which its {} bytes cannot hold",
            bytes.len()
        )));
    }
    let orientation = decoder.orientation().map_err(failed)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether a JPEG image has its end marker behind its last scan; decoders fill up what is missing.
///
/// Within a scan, neither marker can occur.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|it| it == marker);
    last([0xff, 0xd9]) > last([0xff, 0xda])
}
