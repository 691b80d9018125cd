//! What narrows a search of all logs: time, level, stream and project.

use leptos::prelude::*;

/// What narrows a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choices {
    project: String,
    stream: String,
    level: String,
    /// Only the last so many minutes.
    minutes: String,
}

impl Choices {
    /// As the end of a query, at the time `now`.
    pub(super) fn query(&self, now: i64) -> String {
        let mut query = String::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                query.push_str(&format!(
                    "&{name}={}",
                    String::from(js_sys::encode_uri_component(value))
                ));
            }
        };
        add("project", self.project.trim());
        add("stream", &self.stream);
        add("level", &self.level);
        if let Ok(minutes) = self.minutes.parse::<i64>() {
            add("since", &(now - minutes * 60_000).to_string());
        }
        query
    }
}

/// The fields that choose it.
#[component]
pub(super) fn ChoiceFields(choices: RwSignal<Choices>, changed: Callback<()>) -> impl IntoView {
    let select =
        move |label: &'static str, of: fn(&mut Choices) -> &mut String, options: &'static str| {
            view! {
                <select
                    aria-label=label
                    inner_html=options
                    on:change:target=move |event| {
                        choices.update(|choices| *of(choices) = event.target().value());
                        changed.run(());
                    }
                ></select>
            }
            .into_any()
        };
    view! {
        {select(
            "Time",
            |choices| &mut choices.minutes,
            "<option value=''>Any time<option value=60>Last hour<option value=1440>Last day\
             <option value=10080>Last week",
        )}
        {select(
            "Levels",
            |choices| &mut choices.level,
            "<option value=''>All levels<option value=warn>Warnings and errors\
             <option value=error>Errors",
        )}
        {select(
            "Streams",
            |choices| &mut choices.stream,
            "<option value=''>All streams<option>stdout<option>stderr<option>system",
        )}
        <input
            type="text"
            aria-label="Project"
            placeholder="Project"
            autocomplete="off"
            on:input:target=move |event| {
                choices.update(|choices| choices.project = event.target().value());
                changed.run(());
            }
        />
    }
    .into_any()
}
