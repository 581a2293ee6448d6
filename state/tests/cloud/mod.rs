//! An emulated S3, and a line to it that can be cut.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use secstack_base::Value;
use secstack_state::store::S3Backend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[path = "../../../tests/harness/serve.rs"]
mod serve;

use serve::Server;

/// The tests that run at the same time share one server.
static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A bucket of one's own.
pub struct Cloud {
    server: Arc<Server>,
    pub client: aws_sdk_s3::Client,
    pub bucket: String,
}

impl Cloud {
    pub async fn start() -> Self {
        let server = shared();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(format!("http://127.0.0.1:{}", server.port))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .force_path_style(true)
            .build();
        let cloud = Self { server, client: aws_sdk_s3::Client::from_conf(config), bucket: format!("b-{}", uuid::Uuid::new_v4()) };
        cloud.client.create_bucket().bucket(&cloud.bucket).send().await.unwrap();
        cloud
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    pub fn backend(&self) -> S3Backend {
        self.backend_at(self.server.port, &[])
    }

    pub fn backend_with(&self, more: &[(&str, Value)]) -> S3Backend {
        self.backend_at(self.server.port, more)
    }

    pub fn backend_at(&self, port: u16, more: &[(&str, Value)]) -> S3Backend {
        let endpoint = format!("http://127.0.0.1:{port}");
        let text = [("key", "a/state"), ("region", "us-east-1"), ("access_key", "test"), ("secret_key", "test")];
        let all = [("bucket", Value::string(&self.bucket)), ("endpoints", Value::object([("s3", Value::string(&endpoint))]))];
        let all = all.into_iter().chain(text.map(|(k, v)| (k, Value::string(v)))).chain(more.iter().cloned());
        S3Backend::new(&Value::object(all)).map_err(|p| format!("{p:?}")).unwrap()
    }

    pub async fn keys(&self) -> Vec<String> {
        let listed = self.client.list_objects_v2().bucket(&self.bucket).send().await.unwrap();
        listed.contents().iter().filter_map(|o| o.key().map(str::to_string)).collect()
    }

    pub async fn get(&self, key: &str) -> Vec<u8> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    pub async fn put(&self, key: &str, bytes: &[u8]) {
        self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes.to_vec())).send().await.unwrap();
    }

    pub async fn delete(&self, key: &str) {
        self.client.delete_object().bucket(&self.bucket).key(key).send().await.unwrap();
    }

    /// A line to the server.
    pub async fn line(&self) -> Line {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Line { port: listener.local_addr().unwrap().port(), mode: Arc::new(AtomicU8::new(OPEN)) };
        let (mode, to) = (line.mode.clone(), self.server.port);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = tokio::net::TcpStream::connect(("127.0.0.1", to)).await else { continue };
                let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(from_near, to_far, mode.clone(), false));
                tokio::spawn(carry(from_far, to_near, mode.clone(), true));
            }
        });
        line
    }
}

const OPEN: u8 = 0;
const HELD: u8 = 1;
const DEAF: u8 = 2;

/// A line to the server.
pub struct Line {
    pub port: u16,
    mode: Arc<AtomicU8>,
}

impl Line {
    /// Nothing comes through; what is sent waits.
    pub fn hold(&self) {
        self.mode.store(HELD, Ordering::SeqCst);
    }

    /// What waited comes through.
    pub fn open(&self) {
        self.mode.store(OPEN, Ordering::SeqCst);
    }

    /// The next answer is lost, with its connection.
    pub fn lose_an_answer(&self) {
        self.mode.store(DEAF, Ordering::SeqCst);
    }
}

async fn carry(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf, mode: Arc<AtomicU8>, answers: bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        while mode.load(Ordering::SeqCst) == HELD {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let lost = answers && mode.compare_exchange(DEAF, OPEN, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if lost || to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

fn shared() -> Arc<Server> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = running.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start());
    *running = Arc::downgrade(&server);
    server
}
