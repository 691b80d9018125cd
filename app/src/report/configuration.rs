//! What a process was started with.

use leptos::prelude::*;

use super::Html;
use crate::model::{ConfigurationValue, ProcessConfiguration};
use crate::text::args::join_args;
use crate::text::format::{format_bytes, format_duration};

/// The tab.
pub(crate) fn render_configuration(configuration: &ProcessConfiguration) -> String {
    let ProcessConfiguration {
        command_line,
        program,
        argv,
        cwd,
        kind,
        declared,
        kill_signal,
        timeout_ms,
        max_buffer,
        rules,
        env,
        config_hash,
    } = configuration;
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let declared = declared.as_ref().map(|name| format!("[process.{name}]"));
    let start = [
        ("Command", Some(command_line.clone())),
        ("Program", Some(program.clone())),
        ("Arguments", Some(join_args(argv))),
        ("Folder", Some(cwd.clone())),
        ("Type", Some(kind.as_str().to_owned())),
        ("Declared in", declared),
        ("Ended by", Some(kill_signal.clone())),
        ("Stopped after", timeout_ms.map(|ms| format_duration(signed(ms)))),
        ("Output at most", max_buffer.map(|bytes| format_bytes(signed(bytes)))),
        ("Hash", config_hash.clone()),
    ];
    let start = start.into_iter().filter_map(|(name, value)| Some(pair(name, value?)));
    view! {
        <section aria-labelledby="start-title">
            <h2 id="start-title">"Start"</h2>
            <dl class="pairs" data-testid="configuration">{start.collect_view()}</dl>
        </section>
        {(!rules.is_empty()).then(|| view! {
            <section aria-labelledby="rules-title">
                <h2 id="rules-title">"How it is looked after"</h2>
                <dl class="pairs">{rules.iter().map(value_pair).collect_view()}</dl>
            </section>
        })}
        <section aria-labelledby="env-title">
            <h2 id="env-title">"Environment"</h2>
            <p class="note">
                "Of a variable that may be a secret only the name is told, and that it is set."
            </p>
            <dl class="pairs" data-testid="environment">{env.iter().map(value_pair).collect_view()}</dl>
        </section>
    }
    .html()
}

fn value_pair(one: &ConfigurationValue) -> AnyView {
    pair(&one.name, one.value.clone().unwrap_or_else(|| "•••".to_owned()))
}

fn pair(name: &str, value: String) -> AnyView {
    let name = name.to_owned();
    view! { <div><dt>{name}</dt><dd><code>{value}</code></dd></div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_there() {
        let value = |name: &str, value: Option<&str>| ConfigurationValue {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        let html = render_configuration(&ProcessConfiguration {
            command_line: "vite --host <x>".into(),
            rules: vec![value("restart.when", Some("always"))],
            env: vec![value("NPM_TOKEN", None), value("PORT", Some("3000"))],
            ..ProcessConfiguration::default()
        });
        let row = |name: &str, value: &str| format!("<dt>{name}</dt><dd><code>{value}</code></dd>");
        assert!(html.contains(&row("NPM_TOKEN", "•••")), "{html}");
        assert!(html.contains(&row("PORT", "3000")), "{html}");
        assert!(html.contains(&row("restart.when", "always")), "{html}");
        assert!(
            html.contains("vite --host &lt;x&gt;") && !html.contains("Stopped after"),
            "{html}"
        );
    }
}
