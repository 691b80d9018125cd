//! What of a start is a secret, and where it is not shown.

use app::model::{ArgKind, ArgSpec};

use super::*;

const PACKAGE: (&str, &str) =
    ("package.json", r#"{"name": "shop", "scripts": {"deploy": "echo", "free": "echo"}}"#);

fn bench() -> Bench {
    let mut bench = Bench::new(&[PACKAGE]);
    let spec = |name: &str, kind| ArgSpec {
        name: name.into(),
        kind,
        is_required: false,
        choices: vec![],
        pattern: None,
    };
    let specs = vec![
        spec("target", ArgKind::Text),
        spec("pin", ArgKind::Secret),
        spec("--password", ArgKind::Secret),
        spec("--tag", ArgKind::Number),
    ];
    bench.run.args = vec![("deploy".into(), specs)];
    bench.run.env_allow = vec!["*".into()];
    bench
}

#[test]
fn variables_are_secret_by_their_names() {
    let mut bench = bench();
    bench.env.insert("NPM_TOKEN".into(), "from-outside".into());
    let mut request = start("free", &[]);
    for (name, value) in [("DB_PASSWORD", "p1"), ("api_key", "k1"), ("PLAIN", "x"), ("MARKED", "m")]
    {
        request.env.insert(name.into(), value.into());
    }
    request.secret_env = vec!["MARKED".into()];
    let plan = bench.plan(&request).unwrap();
    assert_eq!(plan.secrets, ["from-outside", "k1", "m", "p1"]);
    assert_eq!(plan.env["DB_PASSWORD"], "p1", "the child has it");
    let shown = format!("{plan:?}");
    assert!(!shown.contains("from-outside") && shown.contains("NPM_TOKEN"), "{shown}");

    bench.run.secret_env = vec![];
    request.secret_env = vec![];
    assert!(bench.plan(&request).unwrap().secrets.is_empty());
    request.secret_env = vec!["MISSING".into()];
    let (code, words) = bench.refusal(&request);
    assert_eq!(code, "secret_unknown");
    assert!(words.contains("MISSING"), "{words}");
}

#[test]
fn arguments_are_secret_by_what_the_script_takes() {
    let bench = bench();
    let plan = bench.plan(&start("deploy", &["prod", "12 34", "--password", "hunter2"])).unwrap();
    assert_eq!(plan.args, ["prod", "***", "--password", "***"]);
    assert_eq!(plan.secrets, ["12 34", "hunter2"]);
    assert_eq!(plan.command_line, "echo prod '***' --password '***'");
    assert_eq!(run(&plan).1, "prod 12 34 --password hunter2\n");
    assert!(!format!("{plan:?}").contains("hunter2"));
    let plan = bench.plan(&start("deploy", &["--password=hunter2", "prod"])).unwrap();
    assert_eq!(plan.args, ["--password=***", "prod"]);
    assert_eq!(plan.secrets, ["hunter2"]);
}

#[test]
fn arguments_are_secret_by_the_word_of_the_start() {
    let bench = bench();
    let mut request = start("free", &["a", "--key=k1", "b"]);
    request.secret_args = vec![1, 2];
    let plan = bench.plan(&request).unwrap();
    assert_eq!(
        (plan.args, plan.secrets),
        (vec!["a".into(), "--key=***".into(), "***".into()], vec!["b".into(), "k1".into()])
    );
    request.secret_args = vec![3];
    assert_eq!(bench.refusal(&request).0, "secret_unknown");
    request.args[2] = "***".into();
    request.secret_args = vec![2];
    let (code, words) = bench.refusal(&request);
    assert!(code == "secret_unknown" && words.contains("argument 3"), "{words}");
}

#[test]
fn a_refusal_does_not_quote_a_secret() {
    let bench = bench();
    for args in [
        &["prod", "hun/../ter2"][..],
        &["prod", "/hunter2"],
        &["prod", "hunter2;"],
        &["prod", "--password", "$hunter2"],
    ] {
        let (code, words) = bench.refusal(&start("deploy", args));
        assert_eq!(code, "argument_denied");
        assert!(!words.contains("ter2"), "{words}");
    }
    let mut request = start("deploy", &["prod", "1234", "hunter2"]);
    request.secret_args = vec![2];
    let (code, words) = bench.refusal(&request);
    assert!(code == "argument_unfit" && !words.contains("hunter2"), "{words}");
    request.args[2] = "--hunter2".into();
    let (code, words) = bench.refusal(&request);
    assert!(code == "argument_unfit" && !words.contains("hunter2"), "{words}");
}
