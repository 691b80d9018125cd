//! The HTML document around the pages.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;

/// Where the theme is remembered in the browser; absent for the system's.
pub(crate) const THEME_KEY: &str = "runyard-theme";

/// Where the browser finds the assets: URLs from the root, with a hash in the name in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellOptions {
    /// The module that loads the WASM file.
    pub js: String,
    /// The WASM file.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
}

/// The document with the page in it, for the server to render.
pub fn shell(options: ShellOptions) -> impl IntoView {
    let script = inline_script(&options);
    let ShellOptions { js, wasm, css } = options;
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="description" content="Start scripts, keep them alive, follow every line."/>
                <script nonce=use_nonce()>{script}</script>
                <link rel="stylesheet" href=css/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="modulepreload" href=js/>
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin=""/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The only script in the document, so that a policy has one place to allow. It sets the theme
/// before the first paint, says that there are scripts, shows the end of the log or the line that is asked
/// for, and hydrates once the document is there, which it notes for those who measure. Between the steps the
/// browser can do what else there is to do, so that a key or a click never waits for all of them.
fn inline_script(options: &ShellOptions) -> String {
    let js = script_string(&options.js);
    let wasm = script_string(&options.wasm);
    let theme = theme_script();
    format!(
        "{theme}document.documentElement.dataset.script='';\
         addEventListener('DOMContentLoaded',async()=>{{\
         const find=s=>document.querySelector(s),log=find('[data-testid=log]'),line=find('.line.selected');\
         if(line)line.scrollIntoView({{block:'center'}});else if(log)log.scrollTop=log.scrollHeight;\
         const rest=()=>new Promise(done=>setTimeout(done));\
         const m=await import({js});await m.default({{module_or_path:{wasm}}});await rest();\
         await m.load_parts(location.pathname);await rest();m.hydrate();\
         performance.mark('interactive')}})"
    )
}

/// Sets the theme before the first paint.
pub(crate) fn theme_script() -> String {
    let key = script_string(THEME_KEY);
    format!(
        "try{{const t=localStorage.getItem({key});\
         if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}}catch{{}}"
    )
}

/// A string of JavaScript, which also cannot end the script element.
fn script_string(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
    quoted.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_cannot_leave_the_script() {
        let options = ShellOptions {
            js: "/pkg/a\"b.js".into(),
            wasm: "</script>".into(),
            css: String::new(),
        };
        let script = inline_script(&options);
        assert!(script.contains(r#"import("/pkg/a\"b.js")"#));
        assert!(!script.contains("</script>"));
    }
}
