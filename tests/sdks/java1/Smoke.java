// Five services by the SDK for Java v1, which knows no AWS_ENDPOINT_URL: each client is told its endpoint.
import com.amazonaws.AmazonServiceException;
import com.amazonaws.client.builder.AwsClientBuilder;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.glue.AWSGlueClientBuilder;
import com.amazonaws.services.glue.model.CreateDatabaseRequest;
import com.amazonaws.services.glue.model.DatabaseInput;
import com.amazonaws.services.glue.model.DeleteDatabaseRequest;
import com.amazonaws.services.glue.model.GetDatabaseRequest;
import com.amazonaws.services.identitymanagement.AmazonIdentityManagementClientBuilder;
import com.amazonaws.services.identitymanagement.model.CreateRoleRequest;
import com.amazonaws.services.identitymanagement.model.DeleteRoleRequest;
import com.amazonaws.services.identitymanagement.model.GetRoleRequest;
import com.amazonaws.services.kafka.AWSKafkaClientBuilder;
import com.amazonaws.services.kafka.model.DescribeClusterV2Request;
import com.amazonaws.services.kafka.model.ListClustersV2Request;
import com.amazonaws.services.s3.AmazonS3ClientBuilder;
import com.amazonaws.services.s3.model.CreateBucketRequest;
import com.amazonaws.services.s3.model.DeleteObjectsRequest;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import java.util.Map;
import java.util.function.Supplier;

public class Smoke {
  static final String REGION = System.getenv("AWS_REGION");
  static final String TRUST = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
      + "{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

  static <B extends AwsClientBuilder<B, C>, C> C client(B builder) {
    return builder.withEndpointConfiguration(new EndpointConfiguration(System.getenv("AWS_ENDPOINT_URL"), REGION)).build();
  }

  static String codeOf(Supplier<?> call) {
    try {
      call.get();
      return "no error";
    } catch (AmazonServiceException error) {
      return error.getErrorCode();
    }
  }

  public static void main(String[] words) {
    String name = words[0];
    var identity = client(AWSSecurityTokenServiceClientBuilder.standard()).getCallerIdentity(new GetCallerIdentityRequest());
    System.out.println("sts " + identity.getArn());

    var iam = client(AmazonIdentityManagementClientBuilder.standard());
    var wanted = new GetRoleRequest().withRoleName(name);
    iam.createRole(new CreateRoleRequest().withRoleName(name).withAssumeRolePolicyDocument(TRUST));
    var role = iam.getRole(wanted).getRole();
    iam.deleteRole(new DeleteRoleRequest().withRoleName(name));
    System.out.println("iam " + role.getRoleName().equals(name) + " " + codeOf(() -> iam.getRole(wanted)));

    var s3 = client(AmazonS3ClientBuilder.standard());
    String key = "a b/ü";
    s3.createBucket(new CreateBucketRequest(name, REGION));
    s3.putObject(name, key, "hello");
    String text = s3.getObjectAsString(name, key);
    String listed = s3.listObjectsV2(name).getObjectSummaries().get(0).getKey();
    s3.deleteObjects(new DeleteObjectsRequest(name).withKeys(key));
    String missing = codeOf(() -> s3.getObjectAsString(name, key));
    s3.deleteBucket(name);
    System.out.println("s3 " + text + " " + listed + " " + missing);

    var glue = client(AWSGlueClientBuilder.standard());
    String database = name.replace('-', '_');
    glue.createDatabase(new CreateDatabaseRequest().withDatabaseInput(
        new DatabaseInput().withName(database).withParameters(Map.of("a", "b"))));
    var found = glue.getDatabase(new GetDatabaseRequest().withName(database)).getDatabase();
    glue.deleteDatabase(new DeleteDatabaseRequest().withName(database));
    System.out.println("glue " + found.getParameters().get("a") + " " + (found.getCreateTime() != null) + " "
        + codeOf(() -> glue.getDatabase(new GetDatabaseRequest().withName(database))));

    var kafka = client(AWSKafkaClientBuilder.standard());
    int clusters = kafka.listClustersV2(new ListClustersV2Request()).getClusterInfoList().size();
    String arn = "arn:aws:kafka:" + REGION + ":" + identity.getAccount() + ":cluster/none/1";
    System.out.println("kafka " + clusters + " "
        + codeOf(() -> kafka.describeClusterV2(new DescribeClusterV2Request().withClusterArn(arn))));
  }
}
