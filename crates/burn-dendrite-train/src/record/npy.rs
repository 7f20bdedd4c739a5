//! One array as NumPy writes it: a line that says what it is, and the values in row-major order.
//!
//! This is version 1.0 of the format, as `numpy.save` writes it. What is read is what is written here:
//! `f32` and `i64`, little-endian.

use std::io::{self, Read, Write};

/// A type of values that arrays hold.
pub(super) trait Scalar: Sized {
    /// What NumPy calls it.
    const NAME: &'static str;

    /// Writes one value.
    fn write(&self, writer: &mut impl Write) -> io::Result<()>;

    /// Reads one value.
    fn read(reader: &mut impl Read) -> io::Result<Self>;
}

macro_rules! scalar {
    ($type:ty, $name:literal) => {
        impl Scalar for $type {
            const NAME: &'static str = $name;

            fn write(&self, writer: &mut impl Write) -> io::Result<()> {
                writer.write_all(&self.to_le_bytes())
            }

            fn read(reader: &mut impl Read) -> io::Result<Self> {
                let mut bytes = [0; size_of::<Self>()];
                reader.read_exact(&mut bytes)?;
                Ok(Self::from_le_bytes(bytes))
            }
        }
    };
}

scalar!(f32, "<f4");
scalar!(i64, "<i8");

const MAGIC: [u8; 8] = *b"\x93NUMPY\x01\x00";

/// Bytes of which the values begin at a multiple.
const ALIGNMENT: usize = 64;

/// What stands before the values of an array of that shape.
pub(super) fn header<T: Scalar>(shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    // As Python writes a tuple: one value has a comma after it, several do not.
    let sizes = match shape {
        [_] => sizes.trim_end(),
        _ => sizes.trim_end_matches(", "),
    };
    let mut text = format!("{}{sizes}{END}", begin::<T>());
    let before = MAGIC.len() + 2;
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
    text.push('\n');
    let length = u16::try_from(length).expect("a few numbers");
    [&MAGIC[..], &length.to_le_bytes(), text.as_bytes()].concat()
}

const END: &str = "), }";

fn begin<T: Scalar>() -> String {
    let name = T::NAME;
    format!("{{'descr': '{name}', 'fortran_order': False, 'shape': (")
}

/// Reads what stands before the values: the shape of the array, and how many bytes that took.
///
/// # Errors
///
/// If it is not what [`header`] writes.
pub(super) fn read_header<T: Scalar>(reader: &mut impl Read) -> io::Result<(Vec<usize>, usize)> {
    let wrong = |message: &str| io::Error::new(io::ErrorKind::InvalidData, message);
    let mut start = [0; MAGIC.len() + 2];
    reader.read_exact(&mut start)?;
    let [magic @ .., low, high] = start;
    if magic != MAGIC {
        return Err(wrong("it is no array of NumPy, version 1.0"));
    }
    let mut text = vec![0; usize::from(u16::from_le_bytes([low, high]))];
    reader.read_exact(&mut text)?;
    let length = start.len() + text.len();
    let text = String::from_utf8(text).map_err(|_| wrong("its header is no text"))?;
    let sizes = text
        .trim_end()
        .strip_prefix(begin::<T>().as_str())
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or_else(|| {
            let (found, name) = (text.trim_end(), T::NAME);
            wrong(&format!(
                "its header is `{found}`; accepted: `{name}` in row-major order"
            ))
        })?;
    let sizes = sizes.split(',').map(str::trim).filter(|it| !it.is_empty());
    let shape: Result<Vec<usize>, _> = sizes.map(str::parse).collect();
    let shape = shape.map_err(|_| wrong("its shape is not one of numbers"))?;
    Ok((shape, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_numpy() {
        // By `numpy.lib.format.write_array_header_1_0` of NumPy 2.
        let (float, whole) = (f32::NAME, i64::NAME);
        assert_eq!((float, whole), ("<f4", "<i8"));
        let header = header::<f32>(&[1, 2]);
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        expected.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
        expected.resize(127, b' ');
        expected.push(b'\n');
        assert_eq!(header, expected);
        let one = String::from_utf8_lossy(&super::header::<i64>(&[7])).into_owned();
        assert!(one.contains("'descr': '<i8'") && one.contains("'shape': (7,), }"));
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for shape in [vec![], vec![0], vec![5], vec![3, 500], vec![20, 784, 500]] {
            let bytes = header::<f32>(&shape);
            assert!(bytes.len().is_multiple_of(ALIGNMENT));
            let read = read_header::<f32>(&mut bytes.as_slice()).unwrap();
            assert_eq!(read, (shape, bytes.len()));
            let error = read_header::<i64>(&mut bytes.as_slice()).unwrap_err();
            assert!(error.to_string().contains("accepted: `<i8`"), "{error}");
        }
    }

    #[test]
    fn values_are_little_endian() {
        let mut bytes = Vec::new();
        1.5f32.write(&mut bytes).unwrap();
        (-2i64).write(&mut bytes).unwrap();
        let minus_two = [254, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(bytes, [&[0, 0, 192, 63][..], &minus_two].concat());
        let mut reader = bytes.as_slice();
        assert_eq!(f32::read(&mut reader).unwrap(), 1.5);
        assert_eq!(i64::read(&mut reader).unwrap(), -2);
        assert!(f32::read(&mut reader).is_err());
    }
}
