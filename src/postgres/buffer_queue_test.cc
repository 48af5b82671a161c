#include "postgres/buffer_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace weir::postgres {
namespace {

TEST(BufferQueue, WhoFillsFasterWaitsForWhoEmpties) {
  constexpr size_t buffers = 3;
  constexpr size_t rounds = 10'000;
  BufferQueue queue(buffers, 16);
  size_t emptied = 0;
  std::thread reader([&] {
    while (auto full = queue.take_full()) {
      EXPECT_EQ(full->size(), sizeof(size_t));
      size_t number = 0;
      std::memcpy(&number, full->data(), sizeof number);
      EXPECT_EQ(number, emptied++);
      queue.push_empty(std::move(*full));
    }
  });
  for (size_t i = 0; i < rounds; ++i) {
    auto buffer = queue.take_empty();
    ASSERT_TRUE(buffer);
    EXPECT_TRUE(buffer->empty());
    buffer->append(reinterpret_cast<const char*>(&i), sizeof i);
    queue.push_full(std::move(*buffer));
  }
  queue.close();
  reader.join();
  EXPECT_EQ(emptied, rounds);
  EXPECT_LE(queue.made(), buffers);
}

TEST(BufferQueue, NoMoreThanItsBuffersAreEverThere) {
  BufferQueue queue(2, 16);
  queue.push_full(*queue.take_empty());
  queue.push_full(*queue.take_empty());
  std::thread stopper([&] {
    auto full = queue.take_full();
    full.reset();  // lost, not given back: the one that waits gets none
    queue.stop();
  });
  EXPECT_FALSE(queue.take_empty());
  stopper.join();
  EXPECT_EQ(queue.made(), 2);
  EXPECT_FALSE(queue.take_full());
}

TEST(BufferQueue, ABufferThatGrewGivesItsMemoryBack) {
  BufferQueue queue(1, 16);
  auto buffer = queue.take_empty();
  buffer->reserve(1'000);
  queue.push_full(std::move(*buffer));
  queue.push_empty(*queue.take_full());
  EXPECT_EQ(queue.take_empty()->capacity(), 16);
}

}  // namespace
}  // namespace weir::postgres
