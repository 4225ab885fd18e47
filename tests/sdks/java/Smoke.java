// Five services by the SDK for Java v2; endpoint, region and keys come from the environment.
import java.util.Map;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.glue.GlueClient;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.kafka.KafkaClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.sts.StsClient;

public class Smoke {
  static final String TRUST = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
      + "{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

  static String codeOf(Supplier<?> call) {
    try {
      call.get();
      return "no error";
    } catch (AwsServiceException error) {
      return error.awsErrorDetails().errorCode();
    }
  }

  public static void main(String[] words) {
    String name = words[0], region = System.getenv("AWS_REGION");
    var identity = StsClient.create().getCallerIdentity();
    System.out.println("sts " + identity.arn());

    var iam = IamClient.builder().region(Region.AWS_GLOBAL).build();
    iam.createRole(r -> r.roleName(name).assumeRolePolicyDocument(TRUST));
    var role = iam.getRole(r -> r.roleName(name)).role();
    iam.deleteRole(r -> r.roleName(name));
    System.out.println("iam " + role.roleName().equals(name) + " " + codeOf(() -> iam.getRole(r -> r.roleName(name))));

    var s3 = S3Client.create();
    String key = "a b/ü";
    s3.createBucket(r -> r.bucket(name).createBucketConfiguration(c -> c.locationConstraint(region)));
    s3.putObject(r -> r.bucket(name).key(key), RequestBody.fromString("hello"));
    String text = s3.getObjectAsBytes(r -> r.bucket(name).key(key)).asUtf8String();
    String listed = s3.listObjectsV2(r -> r.bucket(name)).contents().get(0).key();
    s3.deleteObjects(r -> r.bucket(name).delete(d -> d.objects(ObjectIdentifier.builder().key(key).build())));
    String missing = codeOf(() -> s3.getObjectAsBytes(r -> r.bucket(name).key(key)));
    s3.deleteBucket(r -> r.bucket(name));
    System.out.println("s3 " + text + " " + listed + " " + missing);

    var glue = GlueClient.create();
    String database = name.replace('-', '_');
    glue.createDatabase(r -> r.databaseInput(d -> d.name(database).parameters(Map.of("a", "b"))));
    var found = glue.getDatabase(r -> r.name(database)).database();
    glue.deleteDatabase(r -> r.name(database));
    System.out.println("glue " + found.parameters().get("a") + " " + (found.createTime() != null) + " "
        + codeOf(() -> glue.getDatabase(r -> r.name(database))));

    var kafka = KafkaClient.create();
    int clusters = kafka.listClustersV2(r -> {}).clusterInfoList().size();
    String arn = "arn:aws:kafka:" + region + ":" + identity.account() + ":cluster/none/1";
    System.out.println("kafka " + clusters + " " + codeOf(() -> kafka.describeClusterV2(r -> r.clusterArn(arn))));
  }
}
