// One record every few milliseconds from a producer to a consumer of the same process, both Apache's: how long each is on
// its way. Arguments: PROPERTIES BOOTSTRAP TOPIC RECORDS BYTES PAUSE_MS. Prints the percentiles 50, 99 and 99.9 in ms of
// what came after the first fifth, which warms up.
import java.io.FileInputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class EndToEnd {
  public static void main(String[] words) throws Exception {
    Properties settings = new Properties();
    try (FileInputStream in = new FileInputStream(words[0])) {
      settings.load(in);
    }
    settings.put("bootstrap.servers", words[1]);
    settings.put("acks", "all");
    settings.put("linger.ms", "0");
    TopicPartition partition = new TopicPartition(words[2], 0);
    int records = Integer.parseInt(words[3]), bytes = Integer.parseInt(words[4]);
    long pauseNs = (long) (Double.parseDouble(words[5]) * 1e6);
    Thread sender = new Thread(() -> send(settings, partition, records, bytes, pauseNs));
    double[] ms = new double[records];
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      sender.start();
      for (int seen = 0; seen < records;) {
        var polled = consumer.poll(Duration.ofSeconds(20));
        if (polled.isEmpty()) throw new IllegalStateException(seen + " of " + records + " records came");
        long now = System.nanoTime();
        for (var record : polled) ms[seen++] = (now - ByteBuffer.wrap(record.value()).getLong()) / 1e6;
      }
    }
    sender.join();
    double[] sorted = Arrays.copyOfRange(ms, records / 5, records);
    Arrays.sort(sorted);
    int last = sorted.length - 1;
    System.out.println(sorted[last / 2] + " " + sorted[(int) (last * 0.99)] + " " + sorted[(int) (last * 0.999)]);
  }

  static void send(Properties settings, TopicPartition to, int records, int bytes, long pauseNs) {
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.partitionsFor(to.topic());
      long due = System.nanoTime();
      for (int i = 0; i < records; ++i, due += pauseNs) {
        for (long left; (left = due - System.nanoTime()) > 0;) Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
        byte[] value = ByteBuffer.allocate(bytes).putLong(System.nanoTime()).array();
        producer.send(new ProducerRecord<>(to.topic(), to.partition(), null, value));
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
