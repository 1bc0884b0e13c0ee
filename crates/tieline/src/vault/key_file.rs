//! The master key that is kept in the data directory where the operator gives none. While it is replaced by
//! another one, the file holds both: a line each, the one that seals first.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    VaultError,
    aead::{self, KeyBytes},
};

const NAME: &str = "master.key";

/// More than a few lines of the 44 characters of a key and the white space that an editor may add.
const MOST_BYTES: u64 = 512;

/// The master key of the data directory.
pub struct KeyFile {
    /// The key, for [`super::MasterKeys::new`].
    pub key: Zeroizing<[u8; 32]>,
    /// Keys that still open what they sealed.
    pub others: Vec<Zeroizing<[u8; 32]>>,
    /// Whether it was made just now; its owner is to be told to keep a copy elsewhere.
    pub generated: bool,
    /// Where it is.
    pub path: PathBuf,
}

/// Reads `master.key` in the data directory `dir`, or makes it with mode 0600. Refuses a file that
/// its group or others can read.
pub fn load_or_generate_master_key(dir: &Path) -> Result<KeyFile, VaultError> {
    let path = dir.join(NAME);
    let failed = |error| VaultError::KeyFile {
        path: path.clone(),
        error,
    };
    match File::open(&path) {
        Ok(file) => load(&file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(KeyFile {
            key: generate(dir, &path).map_err(failed)?,
            others: Vec::new(),
            generated: true,
            path,
        }),
        Err(error) => Err(failed(error)),
    }
}

/// Reads `master.key` in the data directory `dir`, which must be there.
pub(super) fn load_master_keys(dir: &Path) -> Result<KeyFile, VaultError> {
    let path = dir.join(NAME);
    match File::open(&path) {
        Ok(file) => load(&file, path),
        Err(error) => Err(VaultError::KeyFile { path, error }),
    }
}

/// Reads one key of 32 bytes, base64, from a file that only its owner can read.
pub fn read_master_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let opened = File::open(path).map_err(|error| VaultError::KeyFile {
        path: path.to_owned(),
        error,
    });
    Ok(load(&opened?, path.to_owned())?.key)
}

/// Replaces `master.key` in the data directory `dir` as a whole: whoever reads it sees the old file or the
/// new one, also after a crash.
pub fn replace_master_keys(dir: &Path, keys: &[&[u8; 32]]) -> Result<(), VaultError> {
    let path = dir.join(NAME);
    let write = || -> io::Result<()> {
        let new = path.with_extension("key.new");
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => write_keys(&new, keys)?,
        }
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error| VaultError::KeyFile {
        path: path.clone(),
        error,
    })
}

/// Makes a file with keys, for its owner alone; fails if there is one.
fn write_keys(path: &Path, keys: &[&[u8; 32]]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    for key in keys {
        let line = Zeroizing::new(STANDARD.encode(key) + "\n");
        file.write_all(line.as_bytes())?;
    }
    file.sync_all()
}

fn load(file: &File, path: PathBuf) -> Result<KeyFile, VaultError> {
    let read = || -> io::Result<(u32, Zeroizing<String>)> {
        let mode = file.metadata()?.permissions().mode() & 0o777;
        let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
        file.take(MOST_BYTES).read_to_string(&mut text)?;
        Ok((mode, text))
    };
    match read() {
        Ok((mode, _)) if mode & 0o077 != 0 => Err(VaultError::KeyFileOpenToOthers { path, mode }),
        Ok((_, text)) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let keys: Option<Vec<_>> = lines.map(decoded).collect();
            let mut keys = keys.into_iter().flatten();
            match keys.next() {
                Some(key) => Ok(KeyFile {
                    key,
                    others: keys.collect(),
                    generated: false,
                    path,
                }),
                None => Err(VaultError::KeyFileWithoutKey { path }),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(VaultError::KeyFileWithoutKey { path })
        }
        Err(error) => Err(VaultError::KeyFile { path, error }),
    }
}

fn decoded(text: &str) -> Option<KeyBytes> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    aead::key_bytes(&bytes)
}

/// Makes the file, and fails if another process was quicker. What a key seals must not outlast it:
/// the file and its name are on disk before the key is used.
fn generate(dir: &Path, path: &Path) -> io::Result<KeyBytes> {
    let key = aead::new_key();
    write_keys(path, &[&key])?;
    File::open(dir)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let made = load_or_generate_master_key(dir.path()).unwrap();
        assert!(made.generated);
        let mode = fs::metadata(&made.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = load_or_generate_master_key(dir.path()).unwrap();
        assert!(!read.generated);
        assert_eq!(read.key, made.key);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let made = load_or_generate_master_key(dir.path()).unwrap();
        fs::write(dir.path().join("master.key.new"), "left by a crash").unwrap();
        for keys in [&[[7; 32], *made.key][..], &[[7; 32]]] {
            let keys: Vec<_> = keys.iter().collect();
            replace_master_keys(dir.path(), &keys).unwrap();
            let read = load_master_keys(dir.path()).unwrap();
            let all: Vec<_> = [&*read.key]
                .into_iter()
                .chain(read.others.iter().map(|key| &**key))
                .collect();
            assert_eq!(all, keys);
            let mode = fs::metadata(&made.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        for mode in [0o640, 0o604, 0o660] {
            let dir = tempfile::tempdir().unwrap();
            let path = load_or_generate_master_key(dir.path()).unwrap().path;
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refusal = load_or_generate_master_key(dir.path())
                .err()
                .unwrap()
                .to_string();
            assert!(refusal.contains(&format!("mode {mode:o}")), "{refusal}");
            assert!(refusal.contains("chmod 600"), "{refusal}");
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_kept() {
        let rows: [&[u8]; 5] = [b"", b"AAAA", b"not base64!", b"\xff\xfe", &[b'A'; 600]];
        for content in rows {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(NAME);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let refusal = load_or_generate_master_key(dir.path()).err().unwrap();
            assert!(
                matches!(refusal, VaultError::KeyFileWithoutKey { .. }),
                "{refusal}"
            );
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }
}
