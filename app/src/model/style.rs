//! Select Graphic Rendition: the parameters of `ESC [ ... m` and what they do to a style.
//!
//! The server tells in what style a line begins, and the browser draws it. On the wire a style is the
//! parameters that make it: `1;31`.

/// A colour as a program names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Color {
    /// One of the sixteen of the theme: 0 to 7, and 8 to 15 bright.
    Palette(u8),
    /// Exactly this red, green and blue.
    Rgb(u8, u8, u8),
}

impl Color {
    /// One of the 256: the theme's sixteen, a cube of 6 × 6 × 6, and 24 greys.
    fn indexed(index: u8) -> Self {
        match index {
            0..=15 => Self::Palette(index),
            16..=231 => {
                let cube = index - 16;
                let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
                Self::Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
            }
            232..=255 => {
                let grey = 8 + (index - 232) * 10;
                Self::Rgb(grey, grey, grey)
            }
        }
    }
}

/// How a run of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// `None`: the log's own colour.
    pub fg: Option<Color>,
    /// `None`: the log's own ground.
    pub bg: Option<Color>,
    /// Heavier.
    pub bold: bool,
    /// Fainter.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// With a line below.
    pub underline: bool,
    /// Foreground and background change places.
    pub inverse: bool,
}

impl Style {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Applies the parameters of one sequence. An unknown one is passed over.
    pub fn apply<'a>(&mut self, params: impl Iterator<Item = &'a [u16]>) {
        let mut params = params.peekable();
        if params.peek().is_none() {
            *self = Self::default();
        }
        while let Some(param) = params.next() {
            let code = param.first().copied().unwrap_or(0);
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                // 4:0 is "no underline"; 4:1 to 4:5 are kinds of it.
                4 => self.underline = param.get(1) != Some(&0),
                7 => self.inverse = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                30..=37 => self.fg = palette(code - 30),
                40..=47 => self.bg = palette(code - 40),
                90..=97 => self.fg = palette(code - 82),
                100..=107 => self.bg = palette(code - 92),
                38 => self.fg = extended(param, &mut params).or(self.fg),
                48 => self.bg = extended(param, &mut params).or(self.bg),
                39 => self.fg = None,
                49 => self.bg = None,
                _ => {}
            }
        }
    }
}

/// The parameters that make it.
impl From<Style> for String {
    fn from(style: Style) -> Self {
        let flags = [
            (style.bold, "1"),
            (style.dim, "2"),
            (style.italic, "3"),
            (style.underline, "4"),
            (style.inverse, "7"),
        ];
        let mut codes: Vec<Self> =
            flags.into_iter().filter(|(on, _)| *on).map(|(_, code)| code.to_owned()).collect();
        for (color, ground) in [(style.fg, 0), (style.bg, 10)] {
            match color {
                Some(Color::Palette(n)) if n < 8 => codes.push((30 + ground + n).to_string()),
                Some(Color::Palette(n)) => codes.push((82 + ground + n).to_string()),
                Some(Color::Rgb(r, g, b)) => codes.push(format!("{};2;{r};{g};{b}", 38 + ground)),
                None => {}
            }
        }
        codes.join(";")
    }
}

/// What is no parameter is passed over.
impl From<&str> for Style {
    fn from(parameters: &str) -> Self {
        let mut style = Self::default();
        let codes: Vec<[u16; 1]> =
            parameters.split(';').filter_map(|code| Some([code.parse().ok()?])).collect();
        if !codes.is_empty() {
            style.apply(codes.iter().map(<[u16; 1]>::as_slice));
        }
        style
    }
}

fn palette(index: u16) -> Option<Color> {
    u8::try_from(index).ok().map(Color::Palette)
}

/// The colour after 38 or 48: `5;n` or `2;r;g;b`, in parameters of their own or behind colons
/// (where a colour space may stand before the red).
fn extended<'a>(param: &[u16], rest: &mut impl Iterator<Item = &'a [u16]>) -> Option<Color> {
    let byte = |value: u16| u8::try_from(value).ok();
    let values: Vec<u16> = if param.len() > 1 {
        param[1..].to_vec()
    } else {
        let mut next = || rest.next().and_then(|p| p.first().copied());
        match next()? {
            5 => vec![5, next()?],
            2 => vec![2, next()?, next()?, next()?],
            _ => return None,
        }
    };
    match *values.as_slice() {
        [5, index] => Some(Color::indexed(byte(index)?)),
        [2, r, g, b] | [2, _, r, g, b, ..] => Some(Color::Rgb(byte(r)?, byte(g)?, byte(b)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of the parameters of one sequence; `:` parts one of them.
    fn style(sequence: &str) -> Style {
        let mut style = Style::default();
        let codes: Vec<Vec<u16>> = sequence
            .split(';')
            .map(|code| code.split(':').map(|part| part.parse().unwrap_or(0)).collect())
            .collect();
        style.apply(codes.iter().map(Vec::as_slice));
        style
    }

    #[test]
    fn sixteen_colours() {
        assert_eq!(style("32").fg, Some(Color::Palette(2)));
        assert_eq!(style("97").fg, Some(Color::Palette(15)));
        assert_eq!(style("101").bg, Some(Color::Palette(9)));
        assert_eq!(style("31;42;39;49"), Style::default());
    }

    #[test]
    fn many_colours() {
        assert_eq!(style("38;5;9").fg, Some(Color::Palette(9)));
        assert_eq!(style("38;5;196").fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(style("48;5;244").bg, Some(Color::Rgb(128, 128, 128)));
        assert_eq!(style("38;2;1;2;3").fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(style("38:2:1:2:3").fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(style("38:2::1:2:3").fg, Some(Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn weights() {
        let all = style("1;2;3;4;7");
        assert!(all.bold && all.dim && all.italic && all.underline && all.inverse);
        assert_eq!(style("1;2;3;4;7;22;23;24;27"), Style::default());
        assert!(style("4:3").underline && !style("4;4:0").underline);
    }

    #[test]
    fn nonsense_changes_nothing() {
        for sequence in ["38;5;999", "38;2;1", "38", "38:5", "1000"] {
            assert_eq!(style(sequence), Style::default(), "{sequence}");
        }
        // What follows a colour is read on.
        assert!(style("38;5;1;1").bold);
    }

    #[test]
    fn a_style_is_the_parameters_that_make_it() {
        for parameters in ["", "1;31", "2;3;4;7", "97;101", "38;2;1;2;3;48;2;4;5;6", "36;40"] {
            let style = Style::from(parameters);
            assert_eq!(String::from(style), parameters);
            assert_eq!(style.is_plain(), parameters.is_empty());
        }
        assert!(Style::from("x;;-1").is_plain());
    }
}
