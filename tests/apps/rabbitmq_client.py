"""rabbitmq_client.py PORT,PORT,... STOPFILE: publishes numbers with confirms and consumes them, over any node that
answers, until the file exists. Fails when a confirmed number does not come within 30 seconds after that."""

import os
import sys
import threading
import time

import pika

PORTS = [int(p) for p in sys.argv[1].split(",")]
STOP = sys.argv[2]
QUORUM = {"x-queue-type": "quorum", "x-quorum-initial-group-size": 3}
LOST = (pika.exceptions.AMQPError, OSError)
confirmed, consumed, again = set(), set(), {"published": 0, "consumed": 0}
done = threading.Event()


def channel(start):
    """A channel to the next node that answers, beginning with the given one."""
    for i in range(1000):
        try:
            port = PORTS[(start + i) % len(PORTS)]
            parameters = pika.ConnectionParameters("127.0.0.1", port, heartbeat=10, blocked_connection_timeout=10)
            opened = pika.BlockingConnection(parameters).channel()
            opened.queue_declare("numbers", durable=True, arguments=QUORUM)
            return opened
        except LOST:
            time.sleep(0.2)
    sys.exit("no node answers")


def publish():
    number, start = 0, 1
    while not os.path.exists(STOP):
        ch = channel(start)
        start += 1
        try:
            ch.confirm_delivery()
            while not os.path.exists(STOP):
                number += 1
                ch.basic_publish("", "numbers", b"%d" % number, pika.BasicProperties(delivery_mode=2), mandatory=True)
                confirmed.add(number)
            ch.connection.close()
        except LOST:
            again["published"] += 1


def consume():
    start = 2
    while not done.is_set():
        ch = channel(start)
        start += 1
        try:
            for method, _, body in ch.consume("numbers", inactivity_timeout=0.5):
                if method:
                    consumed.add(int(body))
                    ch.basic_ack(method.delivery_tag)
                if done.is_set():
                    break
            ch.cancel()
            ch.connection.close()
        except LOST:
            again["consumed"] += 1


threads = [threading.Thread(target=f, daemon=True) for f in (publish, consume)]
for t in threads:
    t.start()
threads[0].join()
deadline = time.time() + 30
while confirmed - consumed and time.time() < deadline:
    time.sleep(0.2)
done.set()
threads[1].join(20)
lost = confirmed - consumed
if lost:
    print(f"{len(lost)} of {len(confirmed)} lost, the first {sorted(lost)[:5]}")
    sys.exit(1)
print(f"{len(confirmed)} confirmed numbers, none lost; reconnected {again['published']} and {again['consumed']} times")
