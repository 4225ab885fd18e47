"""A serverless cluster of a test server, and what clients need to reach it as the account's root."""
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials
from confluent_kafka.admin import AdminClient, NewTopic


def serverless_cluster(server, name):
    return server.client('kafka').create_cluster_v2(
        ClusterName=name, Serverless={'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
                                      'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']


def token_of(env, region='us-east-2'):
    class Fixed(CredentialProvider):
        def load(self):
            return Credentials(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'])
    return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, Fixed())


def brokers_of(server, cluster):
    return server.client('kafka').get_bootstrap_brokers(ClusterArn=cluster)['BootstrapBrokerStringSaslIam']


def settings_of(server, cluster, region='us-east-2'):
    env = server.env()

    def refresh(_):
        value, expires_ms = token_of(env, region)
        return value, expires_ms / 1000
    return {'bootstrap.servers': brokers_of(server, cluster), 'security.protocol': 'SASL_SSL',
            'ssl.ca.location': env['AWS_CA_BUNDLE'], 'sasl.mechanism': 'OAUTHBEARER', 'oauth_cb': refresh,
            'reconnect.backoff.max.ms': 300, 'log_level': 0}


def kafka_python_settings(server, cluster):
    from kafka.net.sasl.oauth import AbstractTokenProvider
    env = server.env()

    class Provider(AbstractTokenProvider):
        def token(self):
            return token_of(env)[0]

        def extensions(self):
            return {}
    return {'bootstrap_servers': brokers_of(server, cluster), 'security_protocol': 'SASL_SSL',
            'sasl_mechanism': 'OAUTHBEARER', 'sasl_oauth_token_provider': Provider(),
            'ssl_cafile': env['AWS_CA_BUNDLE']}


def create_topic(settings, topic, partitions=1, config=None):
    admin = AdminClient(settings)
    admin.poll(1)  # the token
    admin.create_topics([NewTopic(topic, partitions, 3, config=config or {})])[topic].result(30)
