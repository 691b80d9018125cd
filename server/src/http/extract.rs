//! What handlers take out of a request; whatever does not fit is told in the words of a problem.

use std::error::Error;

use app::model::ProcessId;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tower_http::timeout::TimeoutError;

use crate::service::{Caller, ServiceError};

/// The one who asks; [`super::guard`] put it there.
pub(super) struct Who(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.map(Self).ok_or_else(|| ServiceError::new(401, "unauthorized", "sign in first"))
    }
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ServiceError> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| unread(&error))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ServiceError::new(400, "invalid_json", format!("the body does not fit: {error}"))
        })
    }
}

/// The query.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|error| {
            ServiceError::bad_request(format!("the query does not fit: {}", error.body_text()))
        })
    }
}

/// The process id in the path.
pub(super) struct Id(pub(super) ProcessId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(ProcessId(id)))
            .map_err(|error| ServiceError::bad_request(error.body_text()))
    }
}

/// Any other id in the path.
pub(super) struct Key(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|error| ServiceError::bad_request(error.body_text()))
    }
}

/// A form of a page.
pub(super) struct Fields<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ServiceError> {
        let form = Form::<T>::from_request(request, state).await;
        form.map(|Form(fields)| Self(fields)).map_err(|error| match error {
            FormRejection::BytesRejection(error) => unread(&error),
            error => {
                ServiceError::bad_request(format!("the form does not fit: {}", error.body_text()))
            }
        })
    }
}

/// A request with all of its body, for what reads it in its own way.
pub(super) struct Whole(pub(super) Request);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = ServiceError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ServiceError> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::new(body), state).await;
        let bytes = bytes.map_err(|error| unread(&error))?;
        Ok(Self(Request::from_parts(parts, bytes.into())))
    }
}

/// Why a body could not be read.
fn unread(error: &BytesRejection) -> ServiceError {
    let first: &(dyn Error + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |&error| error.source());
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ServiceError::body_too_large()
    } else if causes.any(|cause| cause.is::<TimeoutError>()) {
        ServiceError::body_timeout()
    } else {
        ServiceError::bad_request(format!("the body cannot be read: {error}"))
    }
}
