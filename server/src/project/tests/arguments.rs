//! What an argument may be.

use super::super::arguments::check;
use super::*;

fn code(arg: &str, folder: &Path) -> Option<&'static str> {
    let rules = RunConfig::default().arg_deny;
    check(&[arg.to_owned()], &rules, folder).err().map(|error| error.code())
}

#[test]
fn denied_arguments() {
    let bench = Bench::new(&[("src/a", "")]);
    link(Path::new("/etc"), bench.root().join("etc"));
    let root = bench.root();
    let inside = format!("{}/src/a", root.display());
    let through = format!("{}/etc/passwd", root.display());
    let sibling = format!("{}-other/a", root.display());
    let denied = [
        "a;b",
        "a&b",
        "a|b",
        "<a",
        ">a",
        "$HOME",
        "(a",
        "a)",
        "`id`",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "--out=../a",
        "--out=a:..",
        "-I../a",
        "/",
        "/etc/passwd",
        "--file=/etc/passwd",
        "-I/etc",
        "a:/etc",
        "a,/etc",
        "file:///etc/passwd",
        "--url=file:///etc",
        "a://etc/passwd",
        "@/etc/passwd",
        "//etc",
        &through,
        &sibling,
    ];
    for arg in denied {
        assert_eq!(code(arg, &root), Some("argument_denied"), "{arg}");
    }
    let allowed = [
        "",
        "a",
        "-v",
        "--port=3000",
        "a b",
        "it's",
        "\"q\"",
        "*",
        "a...b",
        "...",
        "main..topic",
        "~",
        "#1",
        "!x",
        "src/a",
        "--base=src/",
        "http://127.0.0.1:80/x",
        "--url=https://a.b/c",
        "é",
        "a\\b",
        &inside,
        "100%",
        "{a}",
        "[b]",
        "a/b.c",
        "@scope/name",
    ];
    for arg in allowed {
        assert_eq!(code(arg, &root), None, "{arg}");
    }
}

#[test]
fn control_characters_and_length() {
    let root = Path::new("/p");
    for arg in ["a\nb", "a\0b", "\u{1b}[31m", "\u{7f}", "\t", "\u{85}"] {
        assert_eq!(code(arg, root), Some("argument_control_character"), "{arg:?}");
    }
    assert_eq!(code(&"é".repeat(1_000), root), None);
    assert_eq!(code(&"é".repeat(1_001), root), Some("argument_too_long"));
}

#[test]
fn the_words_tell_which_argument_and_what_would_be_right() {
    let words = |arg: &str| {
        let args = ["ok".to_owned(), arg.to_owned()];
        check(&args, &RunConfig::default().arg_deny, Path::new("/p")).unwrap_err().to_string()
    };
    assert_eq!(words("a;b"), "argument 2 has \";\": leave it out, or take it from run.arg_deny");
    assert_eq!(
        words("--f=/etc/x"),
        "argument 2 has the absolute path \"/etc/x\": give a path inside the project, relative to it"
    );
    assert_eq!(
        words("a/../b"),
        "argument 2 has \"..\" in the path \"a/../b\": give a path inside the project"
    );
}

#[test]
fn without_rules_everything_printable_is_allowed() {
    let args = ["$(id)".to_owned(), "../..".to_owned(), "/etc".to_owned()];
    assert_eq!(check(&args, &[], Path::new("/p")), Ok(()));
}
