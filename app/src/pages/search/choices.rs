//! What narrows a search of all logs: time, level, stream and project. The address names it.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use crate::live::Clock;

/// The time is between two that are given.
const BETWEEN: &str = "between";
/// A field gives a minute; what was written in its last millisecond belongs to it.
const REST_OF_MINUTE_MS: i64 = 59_999;

/// What narrows a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choices {
    project: String,
    stream: String,
    level: String,
    /// Only the last so many minutes; nothing for any time, or [`BETWEEN`].
    minutes: String,
    /// Milliseconds since the epoch, for [`BETWEEN`].
    since: Option<i64>,
    /// The minute that begins then is the last.
    until: Option<i64>,
}

impl Choices {
    /// Those that the address names.
    pub(super) fn of_address(address: &ParamsMap) -> Self {
        let text = |name| address.get(name).unwrap_or_default();
        let time = |name| address.get(name).and_then(|text| text.parse().ok());
        let (since, until) = (time("since"), time("until"));
        let minutes = if since.or(until).is_some() { BETWEEN.to_owned() } else { text("minutes") };
        let (project, stream, level) = (text("project"), text("stream"), text("level"));
        Self { project, stream, level, minutes, since, until }
    }

    /// As the end of the page's own address: `minutes` are the last ones whenever it is opened.
    pub(super) fn address(&self) -> String {
        let minutes = Some(self.minutes.clone()).filter(|minutes| minutes != BETWEEN);
        self.join(minutes.map(|minutes| ("minutes", minutes)), self.between())
    }

    /// As the end of a query to the server, at the time `now`.
    pub(super) fn query(&self, now: i64) -> String {
        let (mut since, until) = self.between();
        if let Ok(minutes) = self.minutes.parse::<i64>() {
            since = Some(now - minutes.saturating_mul(60_000));
        }
        let until = until.map(|until| until.saturating_add(REST_OF_MINUTE_MS));
        self.join(None, (since, until))
    }

    fn is_between(&self) -> bool {
        self.minutes == BETWEEN
    }

    fn between(&self) -> (Option<i64>, Option<i64>) {
        if self.is_between() { (self.since, self.until) } else { (None, None) }
    }

    fn join(
        &self,
        more: Option<(&str, String)>,
        (since, until): (Option<i64>, Option<i64>),
    ) -> String {
        let text = |time: Option<i64>| time.map(|time| time.to_string()).unwrap_or_default();
        let fields = [
            ("project", self.project.trim().to_owned()),
            ("stream", self.stream.clone()),
            ("level", self.level.clone()),
            ("since", text(since)),
            ("until", text(until)),
        ];
        let named = fields.into_iter().chain(more).filter(|(_, value)| !value.is_empty());
        let encode = crate::text::filter::percent_encode;
        named.map(|(name, value)| format!("&{name}={}", encode(&value))).collect()
    }
}

/// The fields that choose it.
#[component]
pub(super) fn ChoiceFields(
    choices: RwSignal<Choices>,
    clock: Clock,
    changed: Callback<()>,
) -> impl IntoView {
    let change = move |of: fn(&mut Choices) -> &mut String, value: String| {
        choices.update(|choices| *of(choices) = value);
        changed.run(());
    };
    let select = move |label: &'static str,
                       testid: &'static str,
                       of: fn(&mut Choices) -> &mut String,
                       options: &'static str| {
        view! {
            <select
                aria-label=label
                data-testid=testid
                inner_html=options
                prop:value=move || of(&mut choices.get()).clone()
                on:change:target=move |event| change(of, event.target().value())
            ></select>
        }
        .into_any()
    };
    let time = move |label: &'static str,
                     testid: &'static str,
                     of: fn(&mut Choices) -> &mut Option<i64>| {
        view! {
            <label class="search-time" hidden=move || !choices.read().is_between()>
                <span>{label}</span>
                <input
                    type="datetime-local"
                    data-testid=testid
                    prop:value=move || {
                        let time = *of(&mut choices.get());
                        time.map(|time| clock.field(time)).unwrap_or_default()
                    }
                    on:change:target=move |event| {
                        let time = clock.parse_time(&event.target().value());
                        choices.update(|choices| *of(choices) = time);
                        changed.run(());
                    }
                />
            </label>
        }
        .into_any()
    };
    view! {
        {select(
            "Time",
            "search-time",
            |choices| &mut choices.minutes,
            "<option value=''>Any time<option value=60>Last hour<option value=1440>Last day\
             <option value=10080>Last week<option value=between>Between …",
        )}
        {select(
            "Levels",
            "search-level",
            |choices| &mut choices.level,
            "<option value=''>All levels<option value=warn>Warnings and errors\
             <option value=error>Errors",
        )}
        {select(
            "Streams",
            "search-stream",
            |choices| &mut choices.stream,
            "<option value=''>All streams<option>stdout<option>stderr<option>system",
        )}
        <input
            type="text"
            aria-label="Project"
            data-testid="search-project"
            placeholder="Project"
            autocomplete="off"
            prop:value=move || choices.read().project.clone()
            on:input:target=move |event| change(|choices| &mut choices.project, event.target().value())
        />
        {time("From", "search-since", |choices| &mut choices.since)}
        {time("To", "search-until", |choices| &mut choices.until)}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &[(&'static str, &str)]) -> Choices {
        let mut map = ParamsMap::new();
        for (name, value) in address {
            map.insert(*name, (*value).to_owned());
        }
        Choices::of_address(&map)
    }

    #[test]
    fn an_address_brings_the_same_choices_again() {
        for address in [
            &[][..],
            &[("minutes", "60")],
            &[("project", "a&b"), ("stream", "stderr"), ("level", "warn")],
            &[("since", "120000"), ("until", "180000")],
            &[("until", "180000")],
        ] {
            let choices = of(address);
            let text = choices.address();
            let decoded = text.replace("%26", "\u{1}");
            let pairs: Vec<_> =
                decoded.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let pairs = pairs.into_iter().map(|(name, value)| (name, value.replace('\u{1}', "&")));
            let mut map = ParamsMap::new();
            pairs.for_each(|(name, value)| map.insert(name.to_owned(), value));
            assert_eq!(Choices::of_address(&map), choices, "{text}");
            assert_eq!(pair_count(&text), address.len());
        }
    }

    fn pair_count(text: &str) -> usize {
        text.matches('=').count()
    }

    #[test]
    fn the_server_is_told_times() {
        assert_eq!(of(&[("minutes", "60")]).query(3_600_500), "&since=500");
        let between = of(&[("since", "120000"), ("until", "180000")]);
        assert_eq!(between.query(0), "&since=120000&until=239999");
        assert_eq!(of(&[("minutes", "soon")]).query(0), "");
    }
}
