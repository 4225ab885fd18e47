// Five services by the SDK for Go v2; endpoint, region and keys come from the environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func codeOf[T any](_ T, err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint("no API error: ", err)
}

func main() {
	ctx := context.Background()
	name := os.Args[1]
	cfg := must(config.LoadDefaultConfig(ctx))

	identity := must(sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil))
	fmt.Println("sts", *identity.Arn)

	roles := iam.NewFromConfig(cfg)
	must(roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}))
	role := must(roles.GetRole(ctx, &iam.GetRoleInput{RoleName: &name}))
	must(roles.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}))
	fmt.Println("iam", *role.Role.RoleName == name, codeOf(roles.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})))

	store := s3.NewFromConfig(cfg)
	must(store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(cfg.Region)}}))
	key := aws.String("a b/ü")
	must(store.PutObject(ctx, &s3.PutObjectInput{Bucket: &name, Key: key, Body: strings.NewReader("hello")}))
	got := must(store.GetObject(ctx, &s3.GetObjectInput{Bucket: &name, Key: key}))
	text := must(io.ReadAll(got.Body))
	list := must(store.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name}))
	must(store.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name,
		Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: key}}}}))
	missing := codeOf(store.GetObject(ctx, &s3.GetObjectInput{Bucket: &name, Key: key}))
	must(store.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name}))
	fmt.Println("s3", string(text), *list.Contents[0].Key, missing)

	catalog := glue.NewFromConfig(cfg)
	database := aws.String(strings.ReplaceAll(name, "-", "_"))
	must(catalog.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{
		Name: database, Parameters: map[string]string{"a": "b"}}}))
	found := must(catalog.GetDatabase(ctx, &glue.GetDatabaseInput{Name: database}))
	must(catalog.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: database}))
	fmt.Println("glue", found.Database.Parameters["a"], found.Database.CreateTime != nil,
		codeOf(catalog.GetDatabase(ctx, &glue.GetDatabaseInput{Name: database})))

	clusters := kafka.NewFromConfig(cfg)
	listed := must(clusters.ListClustersV2(ctx, &kafka.ListClustersV2Input{}))
	arn := fmt.Sprintf("arn:aws:kafka:%s:%s:cluster/none/1", cfg.Region, *identity.Account)
	fmt.Println("kafka", len(listed.ClusterInfoList),
		codeOf(clusters.DescribeClusterV2(ctx, &kafka.DescribeClusterV2Input{ClusterArn: &arn})))
}
