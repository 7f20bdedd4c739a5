//! Arrays in files of NumPy: an archive (`.npz`) with an array (`.npy`) for each name.
//!
//! Each probe has three arrays: `NAME` with the values, `NAME.sample` with the number of each
//! record's sample in the run, and `NAME.label` with its class. Nothing is compressed, and all
//! times are one: the same records are the same bytes.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use rawzip::{
    CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder,
    ZipArchiveWriter, time::UtcDateTime,
};

use super::{
    Records,
    npy::{self, Scalar},
};
use crate::run::{RunError, write_atomically_with};

const ARRAY: &str = ".npy";
const SAMPLE: &str = ".sample";
const LABEL: &str = ".label";
/// The time of every array: the earliest that the format knows, 1 January 1980.
const EPOCH: i64 = 315_532_800;

/// An archive that is read.
pub(super) struct Archive {
    file: PathBuf,
    zip: ZipArchive<FileReader>,
    entries: Vec<Entry>,
}

/// Where an array is in an archive.
struct Entry {
    name: String,
    place: ZipArchiveEntryWayfinder,
    bytes: u64,
}

impl Archive {
    /// Opens a file and reads what is in it, but no array.
    pub(super) fn open(file: &Path) -> Result<Self, RunError> {
        let opened = File::open(file).map_err(|error| io_error(file, error))?;
        let wrong = |error: rawzip::Error| invalid(file, error);
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let zip = ZipArchive::from_file(opened, &mut buffer).map_err(wrong)?;
        let mut entries = Vec::new();
        let mut listed = zip.entries(&mut buffer);
        while let Some(entry) = listed.next_entry().map_err(wrong)? {
            let path = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
            if entry.compression_method() != CompressionMethod::STORE {
                let message = format!("`{path}` is compressed; accepted: arrays as they are");
                return Err(invalid(file, message));
            }
            let Some(name) = path.strip_suffix(ARRAY) else {
                return Err(invalid(file, format!("`{path}` is no array")));
            };
            entries.push(Entry {
                name: name.to_owned(),
                place: entry.wayfinder(),
                bytes: entry.uncompressed_size_hint(),
            });
        }
        if entries.len() as u64 == zip.entries_hint() {
            Ok(Self {
                file: file.to_owned(),
                zip,
                entries,
            })
        } else {
            Err(invalid(file, "some of its arrays are missing"))
        }
    }

    /// The names of the probes, in the order in which they were written.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.entries.iter().map(|entry| &entry.name);
        names
            .filter(|name| !name.ends_with(SAMPLE) && !name.ends_with(LABEL))
            .cloned()
            .collect()
    }

    /// All records of a probe.
    pub(super) fn records(&self, name: &str) -> Result<Records, RunError> {
        let (samples, labels) = (self.samples(name)?, self.labels(name)?);
        let (shape, values) = self.array(name)?;
        let [count, shape @ ..] = shape.as_slice() else {
            return Err(invalid(&self.file, format!("`{name}` has no records")));
        };
        if [*count, labels.len()] != [samples.len(); 2] {
            let message = format!("the arrays of `{name}` differ in length");
            return Err(invalid(&self.file, message));
        }
        Ok(Records {
            name: name.to_owned(),
            samples,
            labels,
            shape: shape.to_vec(),
            values: values.collect::<Result<_, _>>()?,
        })
    }

    /// The numbers of the samples of a probe's records.
    pub(super) fn samples(&self, name: &str) -> Result<Vec<i64>, RunError> {
        let (_, values) = self.array(&format!("{name}{SAMPLE}"))?;
        values.collect()
    }

    /// The classes of the samples of a probe's records.
    pub(super) fn labels(&self, name: &str) -> Result<Vec<i64>, RunError> {
        let (_, values) = self.array(&format!("{name}{LABEL}"))?;
        values.collect()
    }

    /// The values of a probe's records, read one by one.
    pub(super) fn values<'a>(
        &'a self,
        name: &str,
    ) -> Result<impl Iterator<Item = Result<f32, RunError>> + use<'a>, RunError> {
        self.array(name).map(|(_, values)| values)
    }

    /// The last value is an error where the checksum is another one.
    fn array<'a, T: Scalar>(
        &'a self,
        name: &str,
    ) -> Result<
        (
            Vec<usize>,
            impl Iterator<Item = Result<T, RunError>> + use<'a, T>,
        ),
        RunError,
    > {
        let wrong = |message: String| invalid(&self.file, format!("array `{name}`: {message}"));
        let entry = self.entries.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| wrong("it is missing".to_owned()))?;
        let found = self.zip.get_entry(entry.place);
        let found = found.map_err(|error| wrong(error.to_string()))?;
        let mut reader = BufReader::new(found.verifying_reader(found.reader()));
        let header = npy::read_header::<T>(&mut reader);
        let (shape, header) = header.map_err(|error| wrong(error.to_string()))?;
        let mut sizes = shape.iter();
        let count = sizes.try_fold(1, |all: usize, size| all.checked_mul(*size));
        let bytes = count.and_then(|count| count.checked_mul(size_of::<T>()));
        let (Some(count), Some(bytes)) = (count, bytes) else {
            return Err(wrong("it is larger than any memory".to_owned()));
        };
        if (header + bytes) as u64 != entry.bytes {
            let message = format!("its shape {shape:?} does not fit its {} bytes", entry.bytes);
            return Err(wrong(message));
        }
        let values = (0..count).map(move |_| {
            let value = T::read(&mut reader);
            value.map_err(|error| invalid(&self.file, error))
        });
        Ok((shape, values))
    }
}

/// An archive that is written.
pub(super) struct ArchiveWriter<'a> {
    file: &'a Path,
    zip: ZipArchiveWriter<BufWriter<&'a mut File>>,
}

/// Writes an archive in full or not at all.
pub(super) fn write(
    file: &Path,
    fill: impl FnOnce(&mut ArchiveWriter<'_>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    write_atomically_with(file, |temporary| {
        let mut writer = ArchiveWriter {
            file,
            zip: ZipArchiveWriter::new(BufWriter::new(temporary)),
        };
        fill(&mut writer)?;
        let finished = writer.zip.finish().map_err(io::Error::other);
        finished
            .and_then(|mut buffer| buffer.flush())
            .map_err(|error| io_error(file, error))
    })
}

/// Writes an archive of arrays, each with its name and shape, in full or not at all.
pub(crate) fn write_arrays<'a>(
    file: &Path,
    arrays: impl Iterator<Item = ((String, Vec<usize>), &'a [f32])>,
) -> Result<(), RunError> {
    write(file, |writer| {
        for ((name, shape), values) in arrays {
            writer.array(&name, &shape, |put| {
                values.iter().try_for_each(|value| put(*value))
            })?;
        }
        Ok(())
    })
}

/// Takes the values of an array, one by one.
type Put<'a, T> = &'a mut dyn FnMut(T) -> Result<(), RunError>;

impl ArchiveWriter<'_> {
    /// Adds the records of a probe.
    pub(super) fn records(&mut self, records: &Records) -> Result<(), RunError> {
        let Records {
            name,
            samples,
            labels,
            shape,
            values,
        } = records;
        self.probe(name, shape, samples, labels, |put| {
            values.iter().try_for_each(|value| put(*value))
        })
    }

    /// Adds the records of a probe, each of a shape, whose values are given one by one.
    pub(super) fn probe(
        &mut self,
        name: &str,
        shape: &[usize],
        samples: &[i64],
        labels: &[i64],
        fill: impl FnOnce(Put<'_, f32>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let count = samples.len();
        self.array(name, &[&[count], shape].concat(), fill)?;
        for (ending, values) in [(SAMPLE, samples), (LABEL, labels)] {
            self.array(&format!("{name}{ending}"), &[count], |put| {
                values.iter().try_for_each(|value| put(*value))
            })?;
        }
        Ok(())
    }

    fn array<T: Scalar>(
        &mut self,
        name: &str,
        shape: &[usize],
        fill: impl FnOnce(Put<'_, T>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let file = self.file;
        let failed = |error: io::Error| io_error(file, error);
        let zipped = |error: rawzip::Error| io_error(file, io::Error::other(error));
        let path = format!("{name}{ARRAY}");
        let entry = self.zip.new_file(&path);
        let started = entry.last_modified(UtcDateTime::from_unix(EPOCH)).start();
        let (mut entry, config) = started.map_err(zipped)?;
        // Checksums of some bytes at a time would take long.
        let mut writer = BufWriter::new(config.wrap(&mut entry));
        writer.write_all(&npy::header::<T>(shape)).map_err(failed)?;
        let mut count = 0;
        fill(&mut |value: T| {
            count += 1;
            value.write(&mut writer).map_err(failed)
        })?;
        if count != shape.iter().product::<usize>() {
            let message = format!("array `{name}`: {count} values are none of shape {shape:?}");
            return Err(invalid(file, message));
        }
        let writer = writer.into_inner();
        let writer = writer.map_err(|error| failed(error.into_error()))?;
        let (_, sums) = writer.finish().map_err(zipped)?;
        entry.finish(sums).map_err(zipped)?;
        Ok(())
    }
}

fn invalid(file: &Path, message: impl ToString) -> RunError {
    RunError::Invalid {
        file: file.to_owned(),
        message: message.to_string(),
    }
}

fn io_error(file: &Path, error: io::Error) -> RunError {
    RunError::Io {
        file: file.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(name: &str, shape: &[usize], samples: &[i64]) -> Records {
        let size = samples.len() * shape.iter().product::<usize>();
        Records {
            name: name.to_owned(),
            samples: samples.to_vec(),
            labels: samples.iter().map(|sample| sample % 10).collect(),
            shape: shape.to_vec(),
            values: (0..size).map(|at| at as f32 * 0.5 - 1.0).collect(),
        }
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.npz");
        let mut all = [
            records("H1.E.dendrite", &[3], &[0, 10, 20]),
            records("H1.E<-Input.E.weight", &[2, 3], &[0, 7]),
            records("H1.E.bias", &[4], &[]),
        ];
        // What has run away is kept to the bit.
        all[0].values[1] = f32::INFINITY;
        let write_all = |file: &Path| {
            write(file, |writer| {
                all.iter().try_for_each(|one| writer.records(one))
            })
        };
        write_all(&file).unwrap();
        let archive = Archive::open(&file).unwrap();
        let names = archive.names();
        let expected: Vec<&str> = all.iter().map(|records| records.name.as_str()).collect();
        assert_eq!(names, expected);
        for records in &all {
            assert_eq!(archive.records(&records.name).unwrap(), *records);
        }
        let again = folder.path().join("b.npz");
        write_all(&again).unwrap();
        let bytes = [&file, &again].map(|file| std::fs::read(file).unwrap());
        assert_eq!(bytes[0], bytes[1]);
    }

    #[test]
    fn a_damaged_file_is_named_and_never_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("probes.npz");
        let one = records("H1.E.soma", &[3], &[0, 1, 2, 3]);
        write(&file, |writer| writer.records(&one)).unwrap();
        let good = std::fs::read(&file).unwrap();
        let read = |bytes: &[u8]| -> Result<Vec<Records>, RunError> {
            std::fs::write(&file, bytes).unwrap();
            let archive = Archive::open(&file)?;
            let names = archive.names();
            names.iter().map(|name| archive.records(name)).collect()
        };
        for end in 0..good.len() {
            let error = read(&good[..end]).unwrap_err().to_string();
            assert!(error.contains("probes.npz"), "{error}");
        }
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x55;
            if let Ok(found) = read(&bytes) {
                // Where nobody looks: a time, say.
                assert!(
                    found.is_empty() || found == [one.clone()],
                    "byte {at}: {found:?}"
                );
            }
        }
        assert!(Archive::open(&folder.path().join("missing.npz")).is_err());
    }
}
