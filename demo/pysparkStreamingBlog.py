"""Sales records from a Kafka topic of MSK into a Parquet table of the catalogue, micro-batch by micro-batch.

A batch that was cut short is written again after a restart (foreachBatch promises at least once): count
transaction_id, not rows, where that matters.
"""
import argparse

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

SCHEMA = ('transaction_id STRING, date TIMESTAMP, customer_id STRING, gender STRING, age INT, product_category STRING, '
          'product_name STRING, quantity INT, price_per_unit DOUBLE, cogs DOUBLE, total_amount DOUBLE')


def sales(spark, arguments):
    """The topic's records as rows."""
    return (spark.readStream
            .format('kafka')
            .option('kafka.bootstrap.servers', arguments.kafka_bootstrap_servers)
            .option('subscribe', arguments.topic_input)
            .option('startingOffsets', 'earliest')
            .option('kafka.security.protocol', 'SASL_SSL')
            .option('kafka.sasl.mechanism', 'AWS_MSK_IAM')
            .option('kafka.sasl.jaas.config', 'software.amazon.msk.auth.iam.IAMLoginModule required;')
            .option('kafka.sasl.client.callback.handler.class',
                    'software.amazon.msk.auth.iam.IAMClientCallbackHandler')
            .load()
            .selectExpr('CAST(value AS STRING)')
            .withColumn('sale', from_json(col('value'), SCHEMA))
            .selectExpr('sale.*'))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ('topic_input', 'kafka_bootstrap_servers', 'output_s3_path', 'checkpointLocation', 'database_name',
                 'table_name'):
        parser.add_argument(f'--{name}', required=True)
    arguments = parser.parse_args()

    spark = SparkSession.builder.appName('msk-iam-to-athena').enableHiveSupport().getOrCreate()
    spark.sql(f'CREATE DATABASE IF NOT EXISTS {arguments.database_name}')

    def append(batch, _):
        (batch.write.mode('append').format('parquet').option('path', arguments.output_s3_path)
         .saveAsTable(f'{arguments.database_name}.{arguments.table_name}'))

    (sales(spark, arguments).writeStream.foreachBatch(append)
     .option('checkpointLocation', arguments.checkpointLocation).start().awaitTermination())


if __name__ == '__main__':
    main()
