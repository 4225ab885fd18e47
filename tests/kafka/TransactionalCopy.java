// Reads a topic and writes it to another one, records and positions in one transaction each time; aborts every
// third one first and does it again. Arguments: properties file, from, to, group, transactional id, records.
import java.io.FileReader;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class TransactionalCopy {
  static Map<TopicPartition, OffsetAndMetadata> after(ConsumerRecords<String, String> records) {
    Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    for (TopicPartition partition : records.partitions()) {
      List<ConsumerRecord<String, String>> of = records.records(partition);
      positions.put(partition, new OffsetAndMetadata(of.get(of.size() - 1).offset() + 1));
    }
    return positions;
  }

  public static void main(String[] arguments) throws Exception {
    Properties common = new Properties();
    common.load(new FileReader(arguments[0]));
    Properties reading = new Properties(), writing = new Properties();
    reading.putAll(common);
    writing.putAll(common);
    reading.put("group.id", arguments[3]);
    reading.put("isolation.level", "read_committed");
    reading.put("enable.auto.commit", "false");
    reading.put("auto.offset.reset", "earliest");
    reading.put("max.poll.records", "20");
    writing.put("transactional.id", arguments[4]);
    int left = Integer.parseInt(arguments[5]), rounds = 0;
    try (KafkaConsumer<String, String> consumer =
             new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
         KafkaProducer<String, String> producer =
             new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
      producer.initTransactions();
      consumer.subscribe(List.of(arguments[1]));
      while (left > 0) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofSeconds(1));
        if (records.isEmpty()) continue;
        for (boolean abort = ++rounds % 3 == 0; ; abort = false) {
          producer.beginTransaction();
          for (ConsumerRecord<String, String> record : records) {
            producer.send(new ProducerRecord<>(arguments[2], record.key(), record.value()));
          }
          producer.sendOffsetsToTransaction(after(records), consumer.groupMetadata());
          if (!abort) break;
          producer.flush();
          producer.abortTransaction();
        }
        producer.commitTransaction();
        left -= records.count();
      }
    }
    System.out.println("copied in " + rounds + " transactions");
  }
}
