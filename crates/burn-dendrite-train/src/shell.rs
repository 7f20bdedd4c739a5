//! Words of commands that somebody can paste into a shell.

use std::path::Path;

/// A word of a command, in quotes where a shell would take it apart or change it.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=+:@%".contains(c);
    // zsh looks for a command where a word begins with an equals sign.
    let is_plain = !text.is_empty() && !text.starts_with('=') && text.chars().all(plain);
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// What this program is called; `dendrite` unless somebody built one of their own.
pub fn program() -> String {
    let called = std::env::current_exe().ok();
    let stem = called.as_deref().and_then(Path::file_stem);
    match stem {
        Some(stem) => word(&stem.to_string_lossy()),
        None => "dendrite".to_owned(),
    }
}

/// The name of a file or folder as such a word; one that looks like a flag is told from it.
pub fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') {
        word(&format!("./{text}"))
    } else {
        word(&text)
    }
}

/// The command that goes on in a folder, with the one of its data where it would not look there by
/// itself.
pub fn resume_command(command: &str, out: &Path, data_dir: Option<&Path>) -> String {
    let command = format!("{} {command} --resume {}", program(), path(out));
    match data_dir {
        Some(folder) => format!("{command} --data-dir {}", path(folder)),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_go_on_can_be_pasted() {
        let command = |folder| {
            let command = resume_command("train", Path::new("my run"), folder);
            let after = command.strip_prefix(&program());
            after.unwrap().to_owned()
        };
        assert_eq!(command(None), " train --resume 'my run'");
        assert_eq!(
            command(Some(Path::new("/it's here"))),
            r" train --resume 'my run' --data-dir '/it'\''s here'"
        );
    }

    #[test]
    fn words_with_blanks_and_quotes_are_one_word_for_a_shell() {
        assert_eq!(word("runs/a-1"), "runs/a-1");
        assert_eq!(word("my run"), "'my run'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word("$HOME `x`"), "'$HOME `x`'");
        assert_eq!(word("~"), "'~'");
        assert_eq!(word("=ls"), "'=ls'");
        assert_eq!(word(""), "''");
        assert_eq!(path("-x y".as_ref()), "'./-x y'");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_written() {
        for text in [
            "a b",
            "it's",
            "\"q\" $x `y` \\ !",
            "new\nline",
            "*?[a]",
            "é",
        ] {
            let script = format!("printf %s {}", word(text));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(output.unwrap().stdout, text.as_bytes());
        }
    }
}
