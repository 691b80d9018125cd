//! Command lines as people type them.

use super::*;

fn parse(line: &str) -> Result<Command, String> {
    let words = std::iter::once("runyard").chain(line.split_whitespace());
    Cli::parse_from(words).map(|cli| cli.command).map_err(|error| error.to_string())
}

#[test]
fn serve_is_what_it_does_without_a_command() {
    assert_eq!(parse("").unwrap(), Command::Serve(ServeArgs::default()));
    let flags =
        "--listen localhost:4000 --data d --project a --project b c --config f --database u";
    let bare = parse(flags).unwrap();
    assert_eq!(parse(&format!("serve {flags}")).unwrap(), bare);
    let Command::Serve(serve) = bare else { panic!("not serve: {bare:?}") };
    let flags = serve.into_flags();
    assert_eq!(flags.listen.unwrap().to_string(), "127.0.0.1:4000");
    assert_eq!(flags.projects, ["a", "b", "c"].map(PathBuf::from));
    assert_eq!(flags.data, Some(PathBuf::from("d")));
    assert_eq!(flags.config, Some(PathBuf::from("f")));
    assert_eq!(flags.database.as_deref(), Some("u"));
}

#[test]
fn a_port_alone_is_one_of_the_loopback_address() {
    let Command::Serve(serve) = parse("--port 4000").unwrap() else { panic!("not serve") };
    assert_eq!(serve.into_flags().listen.unwrap().to_string(), "127.0.0.1:4000");
    assert!(parse("--port 4000 --listen 127.0.0.1:1").is_err());
}

#[test]
fn the_other_commands_take_their_own_flags() {
    assert_eq!(
        parse("keeper --data d").unwrap(),
        Command::Keeper { data: "d".into(), groups: true, succeed: None }
    );
    assert!(parse("keeper").unwrap_err().contains("--data"));
    let create = parse("token create --role admin --name ci --ttl 2h --data d").unwrap();
    let Command::TokenCreate(create) = create else { panic!("not token create: {create:?}") };
    assert_eq!((create.role.as_str(), create.name.as_str()), ("admin", "ci"));
    assert_eq!(create.ttl, Duration::from_secs(7_200));
    assert_eq!(create.flags().data, Some(PathBuf::from("d")));
    let health = parse("healthcheck --listen 127.0.0.1:9").unwrap();
    let Command::Healthcheck(health) = health else { panic!("not healthcheck: {health:?}") };
    assert_eq!(health.flags().listen.unwrap().port(), 9);
}

#[test]
fn mistakes_are_told() {
    assert!(parse("--listen 80").unwrap_err().contains("write it as 127.0.0.1:3147"));
    assert!(parse("serv").unwrap_err().contains("serve"));
    assert!(parse("token create").unwrap_err().contains("--name"));
    let error = parse("token create --name n --ttl soon").unwrap_err();
    assert!(error.contains("\"soon\" is no time"), "{error}");
}

#[test]
fn times_have_a_unit_and_an_end() {
    assert_eq!(parse_ttl("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(parse_ttl("7d"), Ok(Duration::from_secs(604_800)));
    for bad in ["", "h", "1", "-1h", "1w", "0s", "367d", "99999999999999999999d", "1é"] {
        assert!(parse_ttl(bad).is_err(), "{bad}");
    }
}

#[test]
fn people_and_the_audit_have_commands() {
    let Command::UserAdd(add) = parse("user add ada --role viewer --data d").unwrap() else {
        panic!("not user add")
    };
    assert_eq!((add.name.as_str(), add.role.as_str()), ("ada", "viewer"));
    assert_eq!(add.place.into_flags().data, Some("d".into()));
    assert!(matches!(parse("user passwd ada").unwrap(), Command::UserPasswd(_)));
    assert!(matches!(parse("user list").unwrap(), Command::UserList(_)));
    assert!(matches!(parse("audit verify").unwrap(), Command::AuditVerify(_)));
    assert!(parse("user add").unwrap_err().contains("<NAME>"));
}
