//! The credentials file of Tencent Cloud's tools: which spellings are read, and that no key mixes
//! two sections.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use cloudaudit_exporter::tencent::credentials::{
    ChainSource, CredentialFile, KeyFiles, Profile, detect,
};
use secrecy::ExposeSecret;
use tempfile::TempDir;

type Key = (String, String, Option<String>);

fn read(bytes: &[u8], name: &str) -> Result<Key, String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    fs::write(&file, bytes).unwrap();
    let profile = Profile {
        name: name.to_owned(),
        files: vec![file],
    };
    let credential = profile.read()?;
    let text = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
    Ok((
        credential.secret_id().to_owned(),
        text(credential.secret_key()),
        credential.token().map(text),
    ))
}

fn key(id: &str, key: &str, token: Option<&str>) -> Key {
    (id.to_owned(), key.to_owned(), token.map(str::to_owned))
}

#[test]
fn accepted_spellings_are_read() {
    for text in [
        &b"[default]\nsecret_id = AKID1\nsecret_key = key-1\n"[..],
        b"\xef\xbb\xbf[default]\nsecret_id=AKID1\nsecret_key=key-1",
        b"[default]\r\nsecret_id: AKID1\r\nsecret_key: key-1\r\n",
        b"[default]\rsecret_id: AKID1\rsecret_key: key-1\r",
        b"[default]\nSECRET_ID = AKID1\nSecret_Key = key-1\n",
        b"; a comment\n\n# another\n  [default]\n  secret_id = AKID1\n  secret_key = key-1\n",
        b"[other]\n# caf\xe9\nname = \xff\nno key here\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        b"[other\nsecret_id = AKID2\n[default]\nsecret_id = AKID1\nsecret_key = key-1\n",
        b"[other]\n[other]\n[default]\nsecret_id = AKID1\nsecret_key = key-1\ntoken =\n",
    ] {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(read(text, "default").unwrap(), key("AKID1", "key-1", None), "{shown}");
    }
    let values = b"[default]\nsecret_id = AKID1\nsecret_key = a=b:c#d;e\ntoken = t ; x";
    let refused = read(values, "default").unwrap_err();
    assert!(refused.contains("an invalid token"), "{refused}");
}

/// Notepad and PowerShell write UTF-16, with or without a byte order mark.
#[test]
fn utf_16_is_named() {
    let text = "[default]\r\nsecret_id = AKID1\r\nsecret_key = key-1\r\n";
    for (mark, big_endian) in [
        ("", false),
        ("", true),
        ("\u{feff}", false),
        ("\u{feff}", true),
    ] {
        let utf_16 = |text: &str| -> Vec<u8> {
            let units = text.encode_utf16();
            let bytes = units.map(|unit| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            });
            bytes.flatten().collect()
        };
        let refused = read(&utf_16(&format!("{mark}{text}")), "default").unwrap_err();
        assert!(
            refused.contains("it is UTF-16; save it as UTF-8"),
            "{refused}"
        );

        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("id"), "AKID1").unwrap();
        fs::write(at("key"), utf_16(&format!("{mark}SeCrEt"))).unwrap();
        let files = KeyFiles {
            secret_id: at("id"),
            secret_key: at("key"),
            token: None,
        };
        let refused = files.read().unwrap_err();
        assert!(
            refused.contains("key cannot be read: it is UTF-16; save it as UTF-8"),
            "{refused}"
        );
    }
}

#[test]
fn a_key_comes_from_one_section() {
    let two = b"\xef\xbb\xbf[prod]\nsecret_id = AKIDp\nsecret_key = p\ntoken = t\n[default]\nsecret_id = AKIDd\nsecret_key = d\n";
    assert_eq!(read(two, "default").unwrap(), key("AKIDd", "d", None));
    assert_eq!(read(two, "prod").unwrap(), key("AKIDp", "p", Some("t")));
    let alone = b"\xef\xbb\xbf[prod]\nsecret_id = AKIDp\nsecret_key = p\n";
    assert!(
        read(alone, "default")
            .unwrap_err()
            .contains("no profile \"default\"")
    );
    // A broken header ends the section before it.
    let broken = b"[default]\nsecret_id = AKIDd\n[prod\nsecret_key = SeCrEt\n";
    let refused = read(broken, "default").unwrap_err();
    assert!(refused.contains("has no secret_key"), "{refused}");
}

#[test]
fn an_error_names_the_line_and_does_not_quote_it() {
    for (text, said) in [
        (
            &b"secret_id = SeCrEt\n[default]\n"[..],
            "line 1 is before the first section",
        ),
        (b"[default]\nSeCrEt\n", "line 2, in section [default]"),
        (
            b"[default]\nsecret_id = SeCrEt\xff\n",
            "line 2, in section [default]: it is not UTF-8",
        ),
        (
            b"[default]\nsecret_id = SeCrEt\nsecret_id = b\n",
            "line 3, in section [default]: secret_id appears twice",
        ),
        (
            b"[default]\n\n[default]\n",
            "line 3: section [default] appears twice",
        ),
        (
            b"[default\nsecret_id = SeCrEt\n",
            "the header in line 1 has no ]",
        ),
        (
            b"{\"secretId\": \"SeCrEt\", \"secretKey\": \"b\"}",
            "this is JSON, as tccli writes it",
        ),
        (
            b"[default]\nsecret_id = \"SeCrEt\"\nsecret_key = b\n",
            "an invalid secret id: it is in quotes",
        ),
        (
            b"[default]\nsecret_id = \"\"\nsecret_key = SeCrEt\n",
            "an invalid secret id: it is in quotes",
        ),
        (
            b"[default]\nsecret_id = SeCrEt\nsecret_key = ''\n",
            "an invalid secret key: it is in quotes",
        ),
        (
            b"[default]\nsecret_id = AKID1\nsecret_key = 'SeCrEt'\n",
            "an invalid secret key: it is in quotes",
        ),
        (
            b"[default]\nsecret_id = AKID1\nsecret_key = b\ntoken = \"SeCrEt\"\n",
            "an invalid token: it is in quotes",
        ),
        (
            b"[default]\nsecret_id = AKID1\nsecret_key = b\ntoken = \"\"\n",
            "an invalid token: it is in quotes",
        ),
    ] {
        let refused = read(text, "default").unwrap_err();
        assert!(refused.contains(said), "{refused}");
        assert!(!refused.contains("SeCrEt"), "{refused}");
    }
}

/// Reads the profile from the file in `home`, or else from the machine-wide file.
fn chosen(home: &Path, machine: &Path) -> Result<Key, String> {
    let profile = Profile {
        name: "default".to_owned(),
        files: vec![home.join("credentials"), machine.to_owned()],
    };
    let credential = profile.read()?;
    Ok(key(
        credential.secret_id(),
        credential.secret_key().expose_secret(),
        None,
    ))
}

#[test]
fn only_a_nonexistent_file_falls_back_to_the_next() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let machine = at("machine");
    fs::write(&machine, "[default]\nsecret_id = AKIDm\nsecret_key = m\n").unwrap();
    assert_eq!(
        chosen(&at("home"), &machine).unwrap(),
        key("AKIDm", "m", None)
    );

    fs::create_dir(at("home")).unwrap();
    assert_eq!(
        chosen(&at("home"), &machine).unwrap(),
        key("AKIDm", "m", None)
    );
    for kind in ["directory", "dangling", "loop"] {
        let home = at(kind);
        fs::create_dir(&home).unwrap();
        let file = home.join("credentials");
        match kind {
            "directory" => fs::create_dir(&file).unwrap(),
            "dangling" => symlink("nowhere", &file).unwrap(),
            _ => symlink("credentials", &file).unwrap(),
        }
        let refused = chosen(&home, &machine).unwrap_err();
        assert!(refused.contains(file.to_str().unwrap()), "{refused}");
    }
    fs::write(at("file"), "").unwrap();
    // A home that is not a directory, such as /dev/null of a service user, contains no file.
    let found = chosen(&at("file"), &machine).unwrap();
    assert_eq!(found, key("AKIDm", "m", None));
}

#[test]
fn the_default_chain_selects_one_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(".tencentcloud/credentials");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "").unwrap();
    let home = folder.path().to_str().unwrap().to_owned();
    let environment = [("HOME".to_owned(), home)].into();
    assert_eq!(detect(&environment).0, ChainSource::Profile(file));
}
