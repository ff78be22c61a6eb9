//! What a failed call means. The texts hold the operation and the error's code only: DynamoDB's
//! messages can quote keys, and those can hold Telegram ids.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::port::StoreError;

/// Whether an error with this code passes by itself (Amazon DynamoDB, "Error handling"; the short
/// forms stand in the reasons of a cancelled transaction).
pub(super) fn is_passing(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "TransactionInProgressException"
            | "InternalServerError"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "RequestTimeoutException"
    )
}

/// What a failed call to DynamoDB means to a port's users.
pub fn failure<E: ProvideErrorMetadata>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError {
    let passing = |what: &str| StoreError::Unavailable(format!("{operation}: {what}"));
    match error {
        SdkError::ConstructionFailure(_) => {
            StoreError::Refused(format!("{operation}: the request could not be built"))
        }
        SdkError::TimeoutError(_) => passing("no answer in time"),
        SdkError::DispatchFailure(_) => passing("no connection"),
        SdkError::ResponseError(_) => passing("an answer that cannot be read"),
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or("an error without a code");
            let status = answer.raw().status().as_u16();
            if is_passing(code) || status >= 500 || status == 429 {
                passing(code)
            } else {
                StoreError::Refused(format!("{operation}: {code}"))
            }
        }
        _ => passing("an unknown error"),
    }
}
