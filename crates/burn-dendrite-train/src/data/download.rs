//! Fetching published files once, so that half of a file is never taken for all of it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::bufread::GzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};
use tempfile::{NamedTempFile, TempDir};
use ureq::Agent;

use super::{DataError, Progress};

/// How long to wait for a name to be looked up, and again for a connection, and again for an answer.
/// Short, so that a machine without a network learns so soon.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a running download may stand still.
const STALL: Duration = Duration::from_secs(30);

/// The longest download in bytes, so that a server that never stops cannot fill the disk.
const MAXIMUM_BYTES: u64 = 1 << 30;

/// How the published file relates to what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packing {
    /// It is kept as it is published.
    Plain,
    /// It is published compressed with gzip and kept uncompressed.
    Gzip,
    /// It is published as a tar archive compressed with gzip, of which a folder with some files is
    /// kept.
    Archive {
        /// The folder in the archive.
        folder: &'static str,
        /// The files in it; others are left out.
        files: Vec<&'static str>,
    },
}

/// A published file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is published.
    pub url: String,
    /// The MD5 checksum of the file as it is published, in lower-case hexadecimal digits.
    pub md5: String,
    /// How it is published.
    pub packing: Packing,
}

/// Downloads `remote` to `destination`, creating the folder that it is in if it does not exist.
///
/// The file, or for an archive the folder, takes its final name only when it is complete, has the published checksum, and is on the
/// disk; whatever goes wrong before leaves nothing behind, and two processes may fetch the same file
/// at once. A file that is already there is replaced. [`Progress::Shown`] draws a bar on the
/// standard error stream, if that is a terminal.
///
/// # Errors
///
/// If the folder or file cannot be written, if the address cannot be reached (after ten seconds for
/// each step, which the message follows with what can be done without a network), if the connection
/// breaks or stands still for half a minute, or if the checksum is wrong.
pub fn fetch(remote: &Remote, destination: &Path, progress: Progress) -> Result<(), DataError> {
    let agent = Agent::config_builder()
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(STALL))
        .build()
        .new_agent();
    fetch_with(&agent, remote, destination, progress)
}

/// [`fetch`], with the connection settings of `agent`.
fn fetch_with(
    agent: &Agent,
    remote: &Remote,
    destination: &Path,
    progress: Progress,
) -> Result<(), DataError> {
    let folder = destination.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(DataError::io("create", folder))?;
    let failure = |error: &dyn std::fmt::Display| DataError::Download {
        url: remote.url.clone(),
        reason: error.to_string(),
        folder: folder.to_path_buf(),
        file: match remote.packing {
            Packing::Archive { .. } => format!("{}, unpacked", name(destination)),
            Packing::Plain | Packing::Gzip => name(destination),
        },
    };

    let mut response = agent
        .get(&remote.url)
        .call()
        .map_err(|error| failure(&error))?;
    let bar = progress_bar(progress, response.body().content_length(), destination);
    let mut body = bar.wrap_read(
        response
            .body_mut()
            .with_config()
            .limit(MAXIMUM_BYTES)
            .reader(),
    );
    // Both files are deleted when they go out of scope, unless they are given their final name.
    let mut received = temporary_file(folder)?;
    let mut checksum = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failure(&error)),
        };
        checksum.update(&buffer[..count]);
        received
            .write_all(&buffer[..count])
            .map_err(DataError::io("write", received.path()))?;
    }
    bar.finish_and_clear();

    let found = hexadecimal(&checksum.finalize());
    if found != remote.md5 {
        let (url, expected) = (remote.url.clone(), remote.md5.clone());
        return Err(DataError::Checksum {
            url,
            expected,
            found,
        });
    }
    match &remote.packing {
        Packing::Plain => put_in_place(received, destination),
        Packing::Gzip => put_in_place(unpack(received, folder)?, destination),
        Packing::Archive {
            folder: inner,
            files,
        } => {
            let unpacked = extract(received, folder, inner, files)?;
            let missing = files.iter().find(|it| !unpacked.path().join(it).is_file());
            if let Some(missing) = missing {
                return Err(DataError::ArchiveFile {
                    url: remote.url.clone(),
                    file: format!("{inner}/{missing}"),
                });
            }
            put_folder_in_place(unpacked, destination)
        }
    }
}

/// The last part of a path, to be read by people.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A bar for the download to `destination`, or one that draws nothing.
fn progress_bar(progress: Progress, length: Option<u64>, destination: &Path) -> ProgressBar {
    if progress == Progress::Hidden {
        return ProgressBar::hidden();
    }
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::no_length(),
    };
    let template = "downloading {msg} {wide_bar} {bytes} of {total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(template);
    bar.with_message(name(destination))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A new file in `folder`, on the same disk as the final one so that it can be renamed to it.
fn temporary_file(folder: &Path) -> Result<NamedTempFile, DataError> {
    NamedTempFile::new_in(folder).map_err(DataError::io("create a file in", folder))
}

/// The uncompressed content of a file that has the right checksum.
fn unpack(mut packed: NamedTempFile, folder: &Path) -> Result<NamedTempFile, DataError> {
    let mut unpacked = temporary_file(folder)?;
    let file = packed.as_file_mut();
    let outcome = file.seek(SeekFrom::Start(0)).and_then(|_| {
        let mut content = GzDecoder::new(BufReader::new(file)).take(MAXIMUM_BYTES);
        io::copy(&mut content, unpacked.as_file_mut())
    });
    outcome.map_err(DataError::io("decompress", packed.path()))?;
    Ok(unpacked)
}

/// The wanted files of an archive that has the right checksum, in a new folder in `folder`.
///
/// Files are made under names of our own choice only, whatever the archive says.
fn extract(
    mut packed: NamedTempFile,
    folder: &Path,
    inner: &str,
    files: &[&'static str],
) -> Result<TempDir, DataError> {
    let mut builder = tempfile::Builder::new();
    // A temporary folder is the owner's alone; the finished one gets the usual permissions.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let unpacked = (builder.tempdir_in(folder)).map_err(DataError::io("create", folder))?;
    let path = packed.path().to_owned();
    let mut extract = || -> io::Result<()> {
        let file = packed.as_file_mut();
        file.seek(SeekFrom::Start(0))?;
        let content = GzDecoder::new(BufReader::new(file)).take(MAXIMUM_BYTES);
        for entry in tar::Archive::new(content).entries()? {
            let mut entry = entry?;
            let wanted: Option<PathBuf> = {
                let inside = entry.path()?;
                let named = |file: &&&str| inside == Path::new(inner).join(file);
                files
                    .iter()
                    .find(named)
                    .map(|file| unpacked.path().join(file))
            };
            if let Some(path) = wanted.filter(|_| entry.header().entry_type().is_file()) {
                let mut file = File::create(path)?;
                io::copy(&mut entry, &mut file)?;
                file.sync_all()?;
            }
        }
        Ok(())
    };
    extract().map_err(DataError::io("unpack", &path))?;
    Ok(unpacked)
}

/// Gives a folder of complete files that are on the disk its final name in one step.
fn put_folder_in_place(complete: TempDir, destination: &Path) -> Result<(), DataError> {
    sync_folder(complete.path());
    fs::rename(complete.path(), destination).map_err(DataError::io("write", destination))?;
    // There is nothing left to delete under the old name.
    let _ = complete.keep();
    destination.parent().into_iter().for_each(sync_folder);
    Ok(())
}

/// Makes sure that the names in a folder are on the disk. Where folders cannot be opened, losing
/// them in a crash only means downloading again.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Makes sure that a complete file is on the disk, then gives it its final name in one step.
fn put_in_place(complete: NamedTempFile, destination: &Path) -> Result<(), DataError> {
    complete
        .as_file()
        .sync_all()
        .map_err(DataError::io("write", complete.path()))?;
    complete
        .persist(destination)
        .map_err(|error| DataError::io("write", destination)(error.error))?;
    destination.parent().into_iter().for_each(sync_folder);
    Ok(())
}

/// Two lower-case digits per byte.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::net::TcpListener;
    use std::thread;

    use super::super::idx::tests::compress;
    use super::*;

    /// Answers one request with a response of `announced` bytes of which only `body` is sent.
    fn serve(status: &'static str, announced: usize, body: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        });
        format!("http://{address}/file.gz")
    }

    /// Fetches into a new folder without any proxy; the outcome, and the folder's path inside.
    fn attempt(url: String, md5: &str) -> (Result<(), DataError>, TempDir, PathBuf) {
        attempt_packed(url, md5, Packing::Gzip)
    }

    fn attempt_packed(
        url: String,
        md5: &str,
        packing: Packing,
    ) -> (Result<(), DataError>, TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let destination = folder.path().join("cache/file");
        let remote = Remote {
            url,
            md5: md5.to_owned(),
            packing,
        };
        let agent = Agent::config_builder().proxy(None).build().new_agent();
        let outcome = fetch_with(&agent, &remote, &destination, Progress::Hidden);
        (outcome, folder, destination)
    }

    fn left_behind(destination: &Path) -> usize {
        fs::read_dir(destination.parent().unwrap()).unwrap().count()
    }

    #[test]
    fn a_complete_file_is_unpacked_into_place() {
        let body = compress(b"digits");
        let md5 = hexadecimal(&Md5::digest(&body));
        let (outcome, _folder, destination) = attempt(serve("200 OK", body.len(), body), &md5);
        outcome.unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"digits");
        assert_eq!(left_behind(&destination), 1);
    }

    #[test]
    fn the_checksum_is_the_published_function() {
        // From the test suite of RFC 1321.
        assert_eq!(
            hexadecimal(&Md5::digest(b"abc")),
            "900150983cd24fb0d6963f7d28e17f72"
        );
    }

    #[test]
    fn a_wrong_checksum_leaves_nothing_behind() {
        let body = compress(b"digits");
        let md5 = "f68b3c2dcbeaaa9fbdd348bbdeb94873";
        let (outcome, _folder, destination) = attempt(serve("200 OK", body.len(), body), md5);
        let error = outcome.unwrap_err();
        assert!(matches!(error, DataError::Checksum { .. }), "{error}");
        assert_eq!(left_behind(&destination), 0);
    }

    #[test]
    fn a_cut_connection_leaves_nothing_behind() {
        let body = compress(b"digits");
        // Even if what arrived had the right checksum, it is not what was announced.
        let md5 = hexadecimal(&Md5::digest(&body));
        let (outcome, _folder, destination) = attempt(serve("200 OK", body.len() + 1, body), &md5);
        let error = outcome.unwrap_err();
        assert!(matches!(error, DataError::Download { .. }), "{error}");
        assert_eq!(left_behind(&destination), 0);
    }

    #[test]
    fn a_refusal_says_what_works_without_a_network() {
        let (outcome, _folder, destination) = attempt(serve("404 Not Found", 0, vec![]), "");
        let message = outcome.unwrap_err().to_string();
        let folder = destination.parent().unwrap().display().to_string();
        for part in ["http://127.0.0.1", "404", "--dataset mnist-mini", &folder] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(left_behind(&destination), 0);
    }

    #[test]
    fn an_unreachable_address_is_an_error() {
        // Bound and dropped: nobody listens there any more.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let (outcome, _folder, destination) = attempt(format!("http://{address}/x"), "");
        assert!(matches!(outcome.unwrap_err(), DataError::Download { .. }));
        assert_eq!(left_behind(&destination), 0);
    }

    /// An archive of files with these paths, each of which holds its own path.
    fn archive(paths: &[&str]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for path in paths {
            let mut header = tar::Header::new_gnu();
            header.set_size(path.len() as u64);
            header.set_mode(0o644);
            // Written as it is: the library itself refuses a path that leads out of the folder.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, path.as_bytes()).unwrap();
        }
        compress(&archive.into_inner().unwrap())
    }

    fn attempt_archive(
        body: Vec<u8>,
        announced: usize,
    ) -> (Result<(), DataError>, TempDir, PathBuf) {
        let md5 = hexadecimal(&Md5::digest(&body));
        let packing = Packing::Archive {
            folder: "inner",
            files: vec!["one.bin", "two.bin"],
        };
        attempt_packed(serve("200 OK", announced, body), &md5, packing)
    }

    #[test]
    fn the_wanted_files_of_an_archive_are_kept_and_no_others() {
        let body = archive(&[
            "inner/readme.html",
            "inner/two.bin",
            "../../escaped.bin",
            "one.bin",
            "inner/one.bin",
        ]);
        let length = body.len();
        let (outcome, folder, destination) = attempt_archive(body, length);
        outcome.unwrap();
        let content = |name| fs::read_to_string(destination.join(name)).unwrap();
        assert_eq!(content("one.bin"), "inner/one.bin");
        assert_eq!(content("two.bin"), "inner/two.bin");
        assert_eq!(fs::read_dir(&destination).unwrap().count(), 2);
        assert_eq!(left_behind(&destination), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_archive_that_is_cut_or_lacks_a_file_leaves_nothing_behind() {
        let body = archive(&["inner/one.bin", "inner/two.bin"]);
        let announced = body.len() + 1;
        let (outcome, _folder, destination) = attempt_archive(body.clone(), announced);
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("file, unpacked"), "{message}");
        assert_eq!(left_behind(&destination), 0);

        // The checksum is that of what was sent, so the archive itself has to notice.
        let half = body[..body.len() / 2].to_vec();
        let length = half.len();
        let (outcome, _folder, destination) = attempt_archive(half, length);
        let error = outcome.unwrap_err();
        assert!(
            matches!(
                error,
                DataError::Io {
                    action: "unpack",
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(left_behind(&destination), 0);

        let body = archive(&["inner/one.bin"]);
        let length = body.len();
        let (outcome, _folder, destination) = attempt_archive(body, length);
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("inner/two.bin"), "{message}");
        assert_eq!(left_behind(&destination), 0);
    }

    #[test]
    fn an_archive_with_a_wrong_checksum_or_refused_leaves_nothing_behind() {
        let packing = || Packing::Archive {
            folder: "inner",
            files: vec!["one.bin"],
        };
        let body = archive(&["inner/one.bin"]);
        let url = serve("200 OK", body.len(), body);
        let md5 = "c32a1d4ab5d03f1284b67883e8d87530";
        let (outcome, _folder, destination) = attempt_packed(url, md5, packing());
        assert!(matches!(outcome.unwrap_err(), DataError::Checksum { .. }));
        assert_eq!(left_behind(&destination), 0);
        let url = serve("404 Not Found", 0, vec![]);
        let (outcome, _folder, destination) = attempt_packed(url, md5, packing());
        assert!(outcome.unwrap_err().to_string().contains("404"));
        assert_eq!(left_behind(&destination), 0);
    }
}
