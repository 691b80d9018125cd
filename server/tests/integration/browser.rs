//! A browser without a page: it keeps its cookie, sends forms, and says where they come from.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser: it keeps its cookie, and says where its forms come from.
pub(crate) struct Browser<'a> {
    pub(crate) server: &'a Server,
    client: Client,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Self { server, client }
    }

    pub(crate) async fn send_from(
        &self,
        origin: Option<&str>,
        path: &str,
        form: &[(&str, &str)],
    ) -> Response {
        let request = self.client.post(format!("{}{path}", self.server.base)).form(form);
        let request = match origin {
            Some(origin) => request.header("Origin", origin),
            None => request,
        };
        request.send().await.unwrap()
    }

    pub(crate) async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send_from(Some(&self.server.base), path, form).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.server.base)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> String {
        let answer = self.send("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

pub(crate) async fn add(server: &Server, name: &str, role: &str) -> String {
    let body = json!({"name": name, "role": role, "password": PASSWORD});
    let answer = server.send(Method::POST, "/api/users", Some(body)).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let user: Value = answer.json().await.unwrap();
    user["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn audit(server: &Server, query: &str) -> Vec<Value> {
    let page = server.get(&format!("/api/audit?{query}")).await;
    page["lines"].as_array().unwrap().clone()
}
