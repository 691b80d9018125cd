//! Settings that are one of a few words. Each word stands once: what reads it, what writes it, the
//! published schema and the message about another word all come from it.

/// Makes an enum of words: `choice! { Name, "what one is", "the ones are": Variant = "word", ... }`.
macro_rules! choice {
    (
        $(#[$about:meta])*
        $name:ident, $what:literal, $known_are:literal:
        $($(#[$about_one:meta])* $variant:ident = $word:literal,)+
    ) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$about_one])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// What each is called, in the order of the choices.
            pub(in crate::config) const NAMES: &[&str] = &[$($word,)+];

            /// As it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(crate::config::choice::refuse($what, $known_are, text, Self::NAMES)),
                }
            }
        }
    };
}
pub(in crate::config) use choice;

/// The message about a word that is none of them.
pub(in crate::config) fn refuse(what: &str, known_are: &str, text: &str, names: &[&str]) -> String {
    let remedy = super::suggest::suggest(known_are, text, names);
    format!("{text:?} is no {what}: {remedy}")
}

#[cfg(test)]
mod tests {
    use super::super::{RunnerChoice, Sandbox, WhenFull};

    #[test]
    fn every_word_is_read_and_written_and_in_the_message() {
        macro_rules! check {
            ($name:ident) => {
                for word in $name::NAMES {
                    let one: $name = word.parse().unwrap();
                    assert_eq!(one.name(), *word);
                    assert_eq!(serde_json::to_value(one).unwrap(), *word);
                    assert_eq!(serde_json::from_value::<$name>((*word).into()).unwrap(), one);
                    let refused = "no such".parse::<$name>().unwrap_err();
                    assert!(refused.contains(word), "{refused}");
                    assert!(word.to_uppercase().parse::<$name>().is_err());
                }
            };
        }
        check!(RunnerChoice);
        check!(Sandbox);
        check!(WhenFull);
        assert!("requir".parse::<Sandbox>().unwrap_err().contains("did you mean require?"));
    }
}
