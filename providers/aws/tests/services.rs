//! Roles, keys, logs, buckets and clusters, against an emulated AWS: every type is created, read, changed where it can
//! be, imported and deleted.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use secstack_base::Value;
use serde_json::{Value as Json, json};
use support::{Cloud, to_json};

fn policy(action: &str) -> String {
    format!(r#"{{"Statement":[{{"Action":"{action}","Effect":"Allow","Resource":"*"}}],"Version":"2012-10-17"}}"#)
}

fn trust(service: &str) -> String {
    let principal = format!(r#""Principal":{{"Service":"{service}.amazonaws.com"}}"#);
    format!(r#"{{"Statement":[{{"Action":"sts:AssumeRole","Effect":"Allow",{principal}}}],"Version":"2012-10-17"}}"#)
}

fn get(v: &Value, name: &str) -> Json {
    to_json(v)[name].clone()
}

#[tokio::test]
async fn roles_and_policies() {
    let c = Cloud::start().await;
    let p =
        c.create("aws_iam_policy", json!({"name_prefix": "p-", "description": "d", "policy": policy("s3:*"), "tags": {"a": "b"}})).await;
    assert_eq!(get(&p.value, "name_prefix"), "p-");
    let prefix = json!({"name": get(&p.value, "name"), "description": "d", "policy": policy("ec2:*"), "tags": {"a": "c"}});
    let p = c.update(&p, prefix).await;
    c.import(&p, &p.text("arn")).await;
    let role = c.create("aws_iam_role", json!({"assume_role_policy": trust("ec2")})).await;
    assert_eq!(get(&role.value, "name_prefix"), "terraform-");
    assert_eq!(get(&role.value, "tags_all"), json!({"team": "net"}));
    let full = json!({
        "name": "full", "path": "/x/", "assume_role_policy": trust("eks"), "description": "d", "max_session_duration": 7200,
        "force_detach_policies": true, "permissions_boundary": p.text("arn"), "managed_policy_arns": [p.text("arn")],
        "inline_policy": [{"name": "in", "policy": policy("s3:*")}], "tags": {"team": "net"},
    });
    let full = c.create("aws_iam_role", full).await;
    assert_eq!(get(&full.value, "tags"), json!({"team": "net"}));
    let changed = json!({"name": "full", "path": "/x/", "assume_role_policy": trust("ec2"), "description": "e", "managed_policy_arns": [],
        "inline_policy": [{"name": "other", "policy": policy("kms:*")}], "force_detach_policies": true});
    let full = c.update(&full, changed).await;
    assert_eq!(get(&full.value, "permissions_boundary"), "");
    c.import(&full, "full").await;
    let name = role.text("name");
    let own = c.create("aws_iam_role_policy", json!({"role": name, "policy": policy("s3:*")})).await;
    let own = c.update(&own, json!({"role": name, "policy": policy("ec2:*")})).await;
    c.import(&own, &own.text("id")).await;
    let tie = c.create("aws_iam_role_policy_attachment", json!({"role": name, "policy_arn": p.text("arn")})).await;
    let data = c.data("aws_iam_role", json!({"name": name})).await;
    assert_eq!(get(&data, "arn"), role.text("arn").as_str());
    let data = c.data("aws_iam_policy", json!({"name": p.text("name")})).await;
    assert_eq!(get(&data, "arn"), p.text("arn").as_str());
    for object in [tie, own, full, role, p] {
        c.delete(object).await;
    }
    let issuer = json!({"url": "https://oidc.example.com/id/1", "client_id_list": ["a"], "thumbprint_list": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]});
    let issuer = c.create("aws_iam_openid_connect_provider", issuer).await;
    let other = json!({"url": "https://oidc.example.com/id/1", "client_id_list": ["a"], "thumbprint_list": ["0e99a48a9960b14926bb7f3b02e22da2b0ab7280"], "tags": {"a": "b"}});
    let issuer = c.update(&issuer, other).await;
    c.data("aws_iam_openid_connect_provider", json!({"url": "https://oidc.example.com/id/1"})).await;
    c.delete(issuer).await;
    let who = c.data("aws_caller_identity", json!({})).await;
    assert_eq!(get(&who, "account_id"), "123456789012");
    assert_eq!(get(&c.data("aws_region", json!({})).await, "description"), "US East (N. Virginia)");
    assert_eq!(get(&c.data("aws_partition", json!({})).await, "dns_suffix"), "amazonaws.com");
}

#[tokio::test]
async fn keys_and_logs() {
    let c = Cloud::start().await;
    let key = c
        .create("aws_kms_key", json!({"description": "d", "deletion_window_in_days": 7, "enable_key_rotation": true, "tags": {"a": "b"}}))
        .await;
    let changed =
        json!({"description": "e", "deletion_window_in_days": 8, "is_enabled": false, "enable_key_rotation": false, "tags": {"c": "d"}});
    let key = c.update(&key, changed).await;
    assert_eq!(get(&key.value, "deletion_window_in_days"), 8);
    let key = c.update(&key, json!({"description": "e"})).await;
    c.import(&key, &key.text("key_id")).await;
    let other = c.create("aws_kms_key", json!({"is_enabled": false})).await;
    let alias = c.create("aws_kms_alias", json!({"name": "alias/a", "target_key_id": key.text("arn")})).await;
    let alias = c.update(&alias, json!({"name": "alias/a", "target_key_id": other.text("key_id")})).await;
    assert_eq!(get(&alias.value, "target_key_arn"), other.text("arn").as_str());
    let group = json!({"name": "/x/y", "retention_in_days": 30, "kms_key_id": key.text("arn"), "tags": {"a": "b"}});
    let group = c.create("aws_cloudwatch_log_group", group).await;
    let k = key.text("arn");
    let group = c.update(&group, json!({"name": "/x/y", "kms_key_id": k, "retention_in_days": 7, "tags": {"a": "c"}})).await;
    let group = c.update(&group, json!({"name": "/x/y", "kms_key_id": k})).await;
    assert_eq!(get(&group.value, "retention_in_days"), 0);
    c.import(&group, "/x/y").await;
    for object in [group, alias, other, key] {
        c.delete(object).await;
    }
}

#[tokio::test]
async fn buckets() {
    let c = Cloud::start().await;
    let bucket = c.create("aws_s3_bucket", json!({"bucket_prefix": "b-", "tags": {"a": "b"}})).await;
    let name = bucket.text("bucket");
    let change = json!({"bucket": name, "force_destroy": true, "tags": {"a": "c"}, "versioning": [{"enabled": true, "mfa_delete": false}],
        "lifecycle_rule": [{"id": "r", "enabled": true, "prefix": "x/", "expiration": [{"days": 3}]}],
        "cors_rule": [{"allowed_methods": ["GET"], "allowed_origins": ["*"]}], "website": [{"index_document": "i.html"}]});
    let bucket = c.update(&bucket, change).await;
    assert_eq!(get(&bucket.value, "lifecycle_rule")[0]["expiration"][0]["days"], 3);
    c.import(&bucket, &name).await;
    let plain = c.create("aws_s3_bucket", json!({"bucket": "plain", "object_lock_enabled": true})).await;
    let with = |status: &str| json!({"bucket": "plain", "versioning_configuration": [{"status": status}]});
    let versioning = c.create("aws_s3_bucket_versioning", with("Enabled")).await;
    c.import(&versioning, "plain").await;
    let sse =
        |algorithm: &str| json!({"bucket": "plain", "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": algorithm}]}]});
    let encryption = c.create("aws_s3_bucket_server_side_encryption_configuration", sse("AES256")).await;
    let encryption = c.update(&encryption, sse("aws:kms")).await;
    let block = c.create("aws_s3_bucket_public_access_block", json!({"bucket": "plain", "block_public_acls": true})).await;
    let block = c.update(&block, json!({"bucket": "plain", "block_public_policy": true})).await;
    let access = r#"{"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::plain/*"}],"Version":"2012-10-17"}"#;
    let access = c.create("aws_s3_bucket_policy", json!({"bucket": "plain", "policy": access})).await;
    let owner = |o: &str| json!({"bucket": "plain", "rule": [{"object_ownership": o}]});
    let owns = c.create("aws_s3_bucket_ownership_controls", owner("BucketOwnerPreferred")).await;
    let owns = c.update(&owns, owner("BucketOwnerEnforced")).await;
    for object in [owns, access, block, encryption, versioning, plain, bucket] {
        c.delete(object).await;
    }
}

#[tokio::test]
async fn clusters() {
    let c = Cloud::start().await;
    let role = c.create("aws_iam_role", json!({"name": "r", "assume_role_policy": trust("eks")})).await;
    let vpc = c.create("aws_vpc", json!({"cidr_block": "10.0.0.0/16"})).await;
    let mut subnets = vec![];
    for (range, zone) in [("10.0.0.0/24", "us-east-1a"), ("10.0.1.0/24", "us-east-1b")] {
        let subnet = json!({"vpc_id": vpc.text("id"), "cidr_block": range, "availability_zone": zone});
        subnets.push(c.create("aws_subnet", subnet).await);
    }
    let ids: Vec<String> = subnets.iter().map(|s| s.text("id")).collect();
    let arguments = |more: Json, private: bool| {
        let mut a = json!({"name": "c", "role_arn": role.text("arn"), "bootstrap_self_managed_addons": false, "access_config": [{"authentication_mode": "API_AND_CONFIG_MAP", "bootstrap_cluster_creator_admin_permissions": true}],
            "vpc_config": [{"subnet_ids": ids, "endpoint_private_access": private, "endpoint_public_access": true}]});
        a.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        a
    };
    let cluster = c.create("aws_eks_cluster", arguments(json!({"version": "1.30", "tags": {"a": "b"}}), false)).await;
    let cluster = c.update(&cluster, arguments(json!({"version": "1.31", "enabled_cluster_log_types": ["api", "audit"]}), true)).await;
    assert_eq!(get(&cluster.value, "version"), "1.31");
    c.import(&cluster, "c").await;
    let data = c.data("aws_eks_cluster", json!({"name": "c"})).await;
    assert_eq!(get(&data, "endpoint"), cluster.text("endpoint").as_str());
    let token = c.data("aws_eks_cluster_auth", json!({"name": "c"})).await;
    assert!(get(&token, "token").as_str().unwrap().starts_with("k8s-aws-v1.aHR0cHM6Ly9zdHMu"));
    let group = |desired: i64, more: Json| {
        let mut a = json!({"cluster_name": "c", "node_group_name": "g", "node_role_arn": role.text("arn"), "subnet_ids": ids,
            "scaling_config": [{"desired_size": desired, "min_size": 1, "max_size": 3}]});
        a.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        a
    };
    let nodes =
        c.create("aws_eks_node_group", group(1, json!({"labels": {"a": "b"}, "taint": [{"key": "k", "effect": "NO_SCHEDULE"}]}))).await;
    let nodes = c.update(&nodes, group(2, json!({"labels": {"a": "c"}, "tags": {"x": "y"}}))).await;
    assert_eq!(get(&nodes.value, "scaling_config")[0]["desired_size"], 2);
    c.import(&nodes, "c:g").await;
    let addon = c.create("aws_eks_addon", json!({"cluster_name": "c", "addon_name": "coredns"})).await;
    let addon =
        c.update(&addon, json!({"cluster_name": "c", "addon_name": "coredns", "configuration_values": "{\"replicaCount\":2}"})).await;
    let entry = |groups: Json| json!({"cluster_name": "c", "principal_arn": role.text("arn"), "kubernetes_groups": groups});
    let who = c.create("aws_eks_access_entry", entry(json!(["a"]))).await;
    let who = c.update(&who, entry(json!(["b"]))).await;
    let admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    let may = json!({"cluster_name": "c", "principal_arn": role.text("arn"), "policy_arn": admin, "access_scope": [{"type": "cluster"}]});
    let may = c.create("aws_eks_access_policy_association", may).await;
    for object in [may, who, addon, nodes, cluster, role].into_iter().chain(subnets).chain([vpc]) {
        c.delete(object).await;
    }
}

#[tokio::test]
async fn policy_documents_are_terraforms() {
    let c = Cloud::start().await;
    let statement = json!({
        "sid": "one", "actions": ["s3:PutObject", "s3:GetObject"], "resources": ["arn:aws:s3:::b/*", "arn:aws:s3:::b"],
        "condition": [
            {"test": "StringEquals", "variable": "aws:PrincipalOrgID", "values": ["o-2", "o-1"]},
            {"test": "StringEquals", "variable": "aws:a", "values": ["x"]},
            {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]},
        ],
        "principals": [
            {"type": "AWS", "identifiers": ["arn:aws:iam::2:root", "arn:aws:iam::1:root"]},
            {"type": "Service", "identifiers": ["b.amazonaws.com"]},
        ],
    });
    let two = json!({"sid": "two", "effect": "Deny", "not_actions": ["iam:*"], "not_resources": ["*"], "not_principals": [{"type": "*", "identifiers": ["*"]}]});
    let three = json!({"actions": ["a:&{aws:username}<>&"], "resources": ["arn:&{aws:username}"], "principals": [{"type": "AWS", "identifiers": ["*"]}]});
    let source = r#"{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let newer = r#"{"Version":"2012-10-17","Statement":[{"Sid":"two","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:x":"true"},"StringEquals":{"a":["z","b"]}}}]}"#;
    let arguments = json!({"policy_id": "pid", "statement": [statement, two, three], "source_policy_documents": [source], "override_policy_documents": [newer]});
    let document = c.data("aws_iam_policy_document", arguments).await;
    // As data.aws_iam_policy_document of hashicorp/aws 5.100.0 writes it.
    let want = concat!(
        r#"{"Version":"2012-10-17","Id":"pid","Statement":[{"Sid":"x","Effect":"Allow","Action":"s3:*","Resource":"*"},"#,
        r#"{"Sid":"one","Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"],"#,
        r#""Principal":{"AWS":["arn:aws:iam::2:root","arn:aws:iam::1:root"],"Service":"b.amazonaws.com"},"#,
        r#""Condition":{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:PrincipalOrgID":["o-2","o-1"],"aws:a":"x"}}},"#,
        r#"{"Sid":"two","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:x":"true"},"StringEquals":{"a":["z","b"]}}},"#,
        r#"{"Effect":"Allow","Action":"a:\u0026{aws:username}\u003c\u003e\u0026","Resource":"arn:${aws:username}","Principal":{"AWS":"*"}}]}"#,
    );
    assert_eq!(get(&document, "minified_json"), want);
    let indented = get(&document, "json");
    assert!(
        indented
            .as_str()
            .unwrap()
            .starts_with("{\n  \"Version\": \"2012-10-17\",\n  \"Id\": \"pid\",\n  \"Statement\": [\n    {\n      \"Sid\": \"x\",")
    );
    let empty = c.data("aws_iam_policy_document", json!({})).await;
    assert_eq!(get(&empty, "id"), "1132004489");
    assert_eq!(get(&empty, "json"), "{\n  \"Version\": \"2012-10-17\"\n}");
}

/// The outputs of Terraform with hashicorp/aws 5.100.0 for the same arguments.
#[tokio::test]
async fn policy_documents_merge_as_terraforms_do() {
    let c = Cloud::start().await;
    let who = |ty: &str, ids: &[&str]| json!({"type": ty, "identifiers": ids});
    let when = |test: &str, variable: &str, values: &[&str]| json!({"test": test, "variable": variable, "values": values});
    let statements = json!([
        {
            "actions": ["a"], "not_principals": [who("*", &["*"]), who("AWS", &["*"])],
            "principals": [who("AWS", &["x"]), who("AWS", &["z"]), who("AWS", &["p", "q"]), who("Service", &["p", "q"]), who("Service", &["a"])],
        },
        {
            "actions": ["b"], "principals": [who("AWS", &[])],
            "condition": [when("T", "v", &["x"]), when("T", "v", &["y"]), when("T", "w", &["1", "2"]), when("T", "w", &["3"]), when("U", "w", &[])],
        },
    ]);
    let merged = c.data("aws_iam_policy_document", json!({"statement": statements})).await;
    let want = concat!(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a","Principal":{"AWS":["x","q","p","z"],"Service":["q","p","a"]},"#,
        r#""NotPrincipal":{"*":"*","AWS":"*"}},{"Effect":"Allow","Action":"b","Principal":{"AWS":[]},"#,
        r#""Condition":{"T":{"v":["x","y"],"w":["3","1","2"]},"U":{"w":[]}}}]}"#,
    );
    assert_eq!(get(&merged, "minified_json"), want);
    let source = concat!(
        r#"{"Version":"2012-10-17","Id":"q","Statement":[{"sid":"","effect":"Allow","Action":["z","a","m"],"Resource":[],"#,
        r#""Principal":{"AWS":["b","a","c"],"Service":"s"},"Condition":{"Bool":{"x":"true","y":["b","a"]},"Null":{"z":"1"}}},"#,
        r#"{"Effect":"Deny","NotAction":"x","NotPrincipal":"*","Resource":["r"]}]}"#,
    );
    let arguments = json!({"version": "2008-10-17", "source_policy_documents": [source, ""], "statement": [{"resources": ["c", "a"]}]});
    let merged = c.data("aws_iam_policy_document", arguments).await;
    let want = concat!(
        r#"{"Version":"2012-10-17","Id":"q","Statement":[{"Effect":"Allow","Action":["z","a","m"],"Resource":[],"#,
        r#""Principal":{"AWS":["c","b","a"],"Service":"s"},"Condition":{"Bool":{"x":"true","y":["b","a"]},"Null":{"z":"1"}}},"#,
        r#"{"Effect":"Deny","NotAction":"x","Resource":["r"],"NotPrincipal":"*"},{"Effect":"Allow","Resource":["c","a"]}]}"#,
    );
    assert_eq!(get(&merged, "minified_json"), want);
}

/// That the object is found is checked wherever one is created.
#[tokio::test]
async fn no_type_forgets_what_it_made() {
    let c = Cloud::start().await;
    let answers = c.answers().await;
    assert!(answers.len() > 35, "{}", answers.len());
    for (ty, leaves_token, natural, found) in answers {
        let has_own_way = !matches!(&found, Err(e) if e.contains("cannot be found without its ID"));
        assert!(leaves_token || natural.is_some() || has_own_way, "{ty} cannot be found without its ID");
        if leaves_token {
            assert_eq!(found, Ok(None), "{ty} is looked for by its token");
        }
    }
}
