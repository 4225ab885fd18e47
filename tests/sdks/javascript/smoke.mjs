// Five services by the SDK for JavaScript v3; endpoint, region and keys come from the environment.
import { GlueClient, CreateDatabaseCommand, DeleteDatabaseCommand, GetDatabaseCommand } from '@aws-sdk/client-glue';
import { IAMClient, CreateRoleCommand, DeleteRoleCommand, GetRoleCommand } from '@aws-sdk/client-iam';
import { KafkaClient, DescribeClusterV2Command, ListClustersV2Command } from '@aws-sdk/client-kafka';
import { S3Client, CreateBucketCommand, DeleteBucketCommand, DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command,
  PutObjectCommand } from '@aws-sdk/client-s3';
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';

const name = process.argv[2];
const codeOf = (promise) => promise.then(() => 'no error', (error) => error.name);

const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
console.log('sts', identity.Arn);

const iam = new IAMClient({});
const trust = JSON.stringify({ Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }] });
await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
const role = await iam.send(new GetRoleCommand({ RoleName: name }));
await iam.send(new DeleteRoleCommand({ RoleName: name }));
console.log('iam', role.Role.RoleName === name, await codeOf(iam.send(new GetRoleCommand({ RoleName: name }))));

const s3 = new S3Client({});
await s3.send(new CreateBucketCommand({ Bucket: name,
  CreateBucketConfiguration: { LocationConstraint: process.env.AWS_REGION } }));
await s3.send(new PutObjectCommand({ Bucket: name, Key: 'a b/ü', Body: 'hello' }));
const got = await s3.send(new GetObjectCommand({ Bucket: name, Key: 'a b/ü' }));
const list = await s3.send(new ListObjectsV2Command({ Bucket: name }));
await s3.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects: [{ Key: 'a b/ü' }] } }));
const missing = await codeOf(s3.send(new GetObjectCommand({ Bucket: name, Key: 'a b/ü' })));
await s3.send(new DeleteBucketCommand({ Bucket: name }));
console.log('s3', await got.Body.transformToString(), list.Contents[0].Key, missing);

const glue = new GlueClient({});
const database = name.replaceAll('-', '_');
await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database, Parameters: { a: 'b' } } }));
const found = await glue.send(new GetDatabaseCommand({ Name: database }));
await glue.send(new DeleteDatabaseCommand({ Name: database }));
console.log('glue', found.Database.Parameters.a, found.Database.CreateTime instanceof Date,
  await codeOf(glue.send(new GetDatabaseCommand({ Name: database }))));

const kafka = new KafkaClient({});
const clusters = await kafka.send(new ListClustersV2Command({}));
const arn = `arn:aws:kafka:${process.env.AWS_REGION}:${identity.Account}:cluster/none/1`;
console.log('kafka', clusters.ClusterInfoList.length,
  await codeOf(kafka.send(new DescribeClusterV2Command({ ClusterArn: arn }))));
