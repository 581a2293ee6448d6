//! What goes wrong before and between the calls: settings, and services that answer badly.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secstack_aws::AwsProvider;
use secstack_base::{Type, Value};
use secstack_sdk::{Error, ErrorKind, Id, Instance, Provider, ReadRequest, fence};

/// A provider block with the given arguments.
fn config(arguments: &[(&str, Value)]) -> Value {
    let empty = AwsProvider::new().schema().config.block.empty_value();
    arguments.iter().fold(empty, |config, (name, value)| config.with(name, value.clone()))
}

async fn refused(arguments: &[(&str, Value)]) -> Error {
    AwsProvider::new().configure(&config(arguments)).await.err().expect("the settings are wrong")
}

#[tokio::test]
async fn settings_are_checked() {
    let none = Value::list(Type::String, ["/nonexistent/file".into()]);
    let key = [("access_key", "a".into()), ("secret_key", "b".into()), ("skip_metadata_api_check", "true".into())];
    let with = |more: &[(&'static str, Value)]| key.iter().cloned().chain(more.iter().cloned()).collect::<Vec<_>>();
    let region = ("region", "us-east-1".into());
    let e = refused(&with(&[("region", "us-eastt-1x".into())])).await;
    assert_eq!(e.message, "invalid AWS Region: us-eastt-1x");
    let e = refused(&[("access_key", "a".into()), region.clone()]).await;
    assert!(e.message.contains("\"access_key\" is set without \"secret_key\""), "{e}");
    let e = refused(&with(&[region.clone(), ("custom_ca_bundle", "/nonexistent/file".into())])).await;
    assert!(e.message.contains("/nonexistent/file"), "{e}");
    let e = refused(&with(&[region.clone(), ("retry_mode", "hard".into())])).await;
    assert!(e.message.contains("\"retry_mode\" is \"hard\""), "{e}");
    let profile = [("profile", "nope".into()), ("shared_config_files", none.clone()), ("shared_credentials_files", none)];
    let e = refused(&[&profile[..], &[region, ("skip_metadata_api_check", "true".into())]].concat()).await;
    assert_eq!(e.kind, ErrorKind::Denied, "{e}");
    assert!(e.message.contains("/nonexistent/file"), "{e}");
}

#[tokio::test]
async fn a_refusal_keeps_code_and_request() {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>MalformedPolicyDocument</Code><Message>No such thing.</Message>\
        </Error><RequestId>r-1</RequestId></ErrorResponse>";
    let (cloud, calls) = serve(400, body).await;
    let e = read_role(&*cloud).await;
    assert_eq!(e.kind, ErrorKind::Invalid);
    assert_eq!(
        e.message,
        "operation error IAM: GetRole, https response error StatusCode: 400, RequestID: r-1, \
         api error MalformedPolicyDocument: No such thing."
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn trouble_of_a_service_is_tried_again_so_often() {
    let (cloud, calls) = serve(500, "no XML at all").await;
    let e = read_role(&*cloud).await;
    assert!(e.message.contains("StatusCode: 500") && e.message.contains("no XML at all"), "{e}");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cloud = connect(port).await;
    let e = read_role(&*cloud).await;
    assert!(e.message.starts_with("operation error IAM: GetRole, request send failed"), "{e}");
    assert!(e.message.contains("Connection refused"), "{e}");
}

#[tokio::test]
async fn a_creation_without_an_answer_is_not_repeated() {
    let (cloud, calls) = answer("Action=", String::new()).await;
    let block = AwsProvider::new().schema().resources["aws_iam_role"].block.empty_value();
    let planned = [("name", "r"), ("assume_role_policy", "{}"), ("path", "/")].iter().fold(block, |v, (k, t)| v.with(k, (*t).into()));
    let planned = planned.with("max_session_duration", 3600.into()).with("force_detach_policies", false.into());
    let e = cloud.create("aws_iam_role", &planned, "token").await.expect_err("there is no answer");
    assert_eq!(e.kind, ErrorKind::Unanswered, "{e}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    read_role(&*cloud).await;
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_run_that_has_lost_its_lock_sends_nothing() {
    let (cloud, calls) = serve(403, "").await;
    let lost: fence::Check = Arc::new(|| Err("another run has the lock".into()));
    let e = fence::within(Some(lost), read_role(&*cloud)).await;
    assert!(e.message.contains("another run has the lock"), "{e}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    read_role(&*cloud).await;
    assert_ne!(calls.load(Ordering::SeqCst), 0);
}

async fn read_role(cloud: &dyn Instance) -> Error {
    let request = ReadRequest::new(Id("r".into()), None);
    cloud.read("aws_iam_role", &[request]).await.remove(0).expect_err("the service refused")
}

async fn connect(port: u16) -> Arc<dyn Instance> {
    let config = config(&[
        ("access_key", "a".into()),
        ("secret_key", "b".into()),
        ("region", "us-east-1".into()),
        ("skip_metadata_api_check", "true".into()),
        ("max_retries", 2.into()),
    ]);
    let block = AwsProvider::new().schema().config.block.clone();
    let services = &block.nested("endpoints").unwrap().block;
    let endpoints = services.empty_value().with("iam", format!("http://127.0.0.1:{port}").into());
    let config = config.with("endpoints", Value::set(services.ty(), [endpoints]));
    AwsProvider::new().configure(&config).await.unwrap()
}

/// A service that always answers the same, and the count of its answers.
async fn serve(status: u16, body: &'static str) -> (Arc<dyn Instance>, Arc<AtomicUsize>) {
    let length = body.len();
    answer("GetRole", format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")).await
}

/// A service that waits for a call with a text in it and answers with the given bytes; with none, it hangs up.
async fn answer(asked: &'static str, answer: String) -> (Arc<dyn Instance>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while !request.windows(asked.len()).any(|w| w == asked.as_bytes()) {
                match stream.read(&mut part) {
                    Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
                    _ => break,
                }
            }
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (connect(port).await, calls)
}
