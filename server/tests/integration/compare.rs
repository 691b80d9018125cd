//! A run beside the last success of its script.

use reqwest::Method;

use crate::support::Server;

const PACKAGE_JSON: &str = r#"{
  "name": "fixture",
  "scripts": {
    "work": "sh work.sh",
    "other": "true"
  }
}"#;

/// Says the same 20,000 times, and then something that the argument decides.
const WORK: &str = "seq -f 'step %.0f is done' 20000
case $1 in
  good) echo all is well;;
  bad) seq -f 'broken %.0f times' 2500; exit 1;;
esac
";

async fn page(server: &Server, path: &str) -> String {
    let response = server.send(Method::GET, path, None).await;
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

/// The address behind "Go on comparing".
fn next(html: &str) -> Option<String> {
    let end = html.find("data-testid=\"compare-more\"")?;
    let from = html[..end].rfind("href=\"")? + 6;
    let address = html[from..].split('"').next()?;
    Some(address.split('#').next()?.replace("&amp;", "&"))
}

#[tokio::test]
async fn the_first_difference_is_found_behind_any_number_of_lines_and_the_rest_page_by_page() {
    let server = Server::start_with(PACKAGE_JSON, &[]);
    std::fs::write(server.project().join("work.sh"), WORK).unwrap();
    let good = server.run("work", &["good"]).await;
    server.wait_for_status(&good, "completed").await;
    let bad = server.run("work", &["bad"]).await;
    server.wait_for_status(&bad, "failed").await;

    let first = page(&server, &format!("/processes/{bad}/compare")).await;
    assert!(first.contains("19,997 lines alike"), "{first}");
    let (before, after) = first.split_once("id=\"first\"").unwrap();
    assert!(before.contains("step 20000 is done") && !before.contains("step 19997 is done"));
    assert!(after.contains("broken 1 times") && after.contains("all is well"));

    // The rest follows, each line once.
    let (mut whole, mut address, mut pages) = (first.clone(), next(&first), 1);
    while let Some(path) = address {
        let html = page(&server, &path).await;
        assert!(html.contains("Back to the first difference"), "{html}");
        address = next(&html);
        whole.push_str(&html);
        pages += 1;
    }
    assert_eq!(pages, 3);
    for number in 1..=2_500 {
        assert_eq!(whole.matches(&format!(">broken {number} times<")).count(), 1, "{number}");
    }

    // A run that says the same says so, for all of its lines.
    let again = server.run("work", &["good"]).await;
    server.wait_for_status(&again, "completed").await;
    let same = page(&server, &format!("/processes/{again}/compare")).await;
    assert!(same.contains("Both say the same") && same.contains("20,001 lines alike"), "{same}");
}

#[tokio::test]
async fn a_place_that_is_none_is_no_error() {
    let server = Server::start_with(PACKAGE_JSON, &[]);
    let first = server.run("other", &[]).await;
    server.wait_for_status(&first, "completed").await;
    let second = server.run("other", &[]).await;
    server.wait_for_status(&second, "completed").await;
    for query in
        ["left=-7&right=-7", "left=9223372036854775807&right=9223372036854775807", "left=1"]
    {
        let html = page(&server, &format!("/processes/{second}/compare?{query}")).await;
        assert!(html.contains("say the same"), "{html}");
    }
    let path = format!("/processes/{second}/compare?left=x");
    assert_eq!(server.send(Method::GET, &path, None).await.status(), 400);
}
