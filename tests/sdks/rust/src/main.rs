// Five services by the SDK for Rust; endpoint, region and keys come from the environment.
use aws_sdk_glue::types::DatabaseInput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier};
use std::error::Error;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

macro_rules! code_of {
    ($call:expr) => {
        match $call {
            Ok(_) => "no error".to_string(),
            Err(error) => error
                .as_service_error()
                .and_then(|error| error.meta().code())
                .unwrap_or("no service error")
                .to_string(),
        }
    };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).expect("a name");
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let region = config.region().expect("a region").to_string();

    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await?;
    println!("sts {}", identity.arn().unwrap());

    let iam = aws_sdk_iam::Client::new(&config);
    iam.create_role().role_name(&name).assume_role_policy_document(TRUST).send().await?;
    let role = iam.get_role().role_name(&name).send().await?;
    iam.delete_role().role_name(&name).send().await?;
    let gone = code_of!(iam.get_role().role_name(&name).send().await);
    println!("iam {} {}", role.role().unwrap().role_name() == name, gone);

    let s3 = aws_sdk_s3::Client::new(&config);
    let key = "a b/ü";
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region.as_str()))
        .build();
    s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await?;
    s3.put_object().bucket(&name).key(key).body(ByteStream::from_static(b"hello")).send().await?;
    let got = s3.get_object().bucket(&name).key(key).send().await?.body.collect().await?.to_vec();
    let list = s3.list_objects_v2().bucket(&name).send().await?;
    let object = ObjectIdentifier::builder().key(key).build()?;
    s3.delete_objects().bucket(&name).delete(Delete::builder().objects(object).build()?).send().await?;
    let missing = code_of!(s3.get_object().bucket(&name).key(key).send().await);
    s3.delete_bucket().bucket(&name).send().await?;
    println!("s3 {} {} {}", String::from_utf8(got)?, list.contents()[0].key().unwrap(), missing);

    let glue = aws_sdk_glue::Client::new(&config);
    let database = name.replace('-', "_");
    let input = DatabaseInput::builder().name(&database).parameters("a", "b").build()?;
    glue.create_database().database_input(input).send().await?;
    let found = glue.get_database().name(&database).send().await?;
    let found = found.database().unwrap();
    glue.delete_database().name(&database).send().await?;
    let gone = code_of!(glue.get_database().name(&database).send().await);
    println!("glue {} {} {}", found.parameters().unwrap()["a"], found.create_time().is_some(), gone);

    let kafka = aws_sdk_kafka::Client::new(&config);
    let clusters = kafka.list_clusters_v2().send().await?;
    let arn = format!("arn:aws:kafka:{}:{}:cluster/none/1", region, identity.account().unwrap());
    let missing = code_of!(kafka.describe_cluster_v2().cluster_arn(arn).send().await);
    println!("kafka {} {}", clusters.cluster_info_list().len(), missing);
    Ok(())
}
