#include "trace/tracer.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "crypto/digest.h"
#include "crypto/random.h"

namespace weir::trace {
namespace {

/// Names of spans need to differ, not to be secret, and a request must not wait for the system's
/// random numbers.
std::mt19937_64& generator() {
  thread_local std::mt19937_64 engine = [] {
    const std::string seed = crypto::random_bytes(64);
    std::seed_seq sequence(seed.begin(), seed.end());
    return std::mt19937_64(sequence);
  }();
  return engine;
}

template <class Id>
Id random_id() {
  Id id{};
  do {
    for (size_t at = 0; at < id.size(); at += sizeof(uint64_t)) {
      const uint64_t number = generator()();
      std::memcpy(id.data() + at, &number, sizeof number);
    }
  } while (id == Id{});
  return id;
}

}  // namespace

Tracer::Tracer(double sample, SpanSink& sink) : sample_(sample), sink_(sink) {}

/// By the id, of which the last 7 bytes are random by W3C's rules: everybody who samples by it
/// keeps the same traces.
bool Tracer::keeps(const TraceId& trace) const {
  constexpr size_t random_bytes = 7;
  uint64_t number = 0;
  for (size_t i = trace.size() - random_bytes; i < trace.size(); ++i) {
    number = number << 8 | trace[i];
  }
  constexpr double numbers = uint64_t{1} << (8 * random_bytes);
  return static_cast<double>(number) < sample_ * numbers;
}

TraceContext Tracer::begin(const std::optional<TraceContext>& parent) const {
  if (parent) return {parent->trace, random_id<SpanId>(), parent->sampled};
  const auto trace = random_id<TraceId>();
  return {trace, random_id<SpanId>(), keeps(trace)};
}

TraceContext Tracer::of_run(const RunId& run, int tries) const {
  TraceContext context;
  const auto trace = crypto::sha256("trace " + run.value());
  std::copy_n(trace.begin(), context.trace.size(), context.trace.begin());
  const auto span = crypto::sha256("try " + std::to_string(tries) + " " + run.value());
  std::copy_n(span.begin(), context.span.size(), context.span.begin());
  context.sampled = keeps(context.trace);
  return context;
}

void Tracer::end(Span span) const {
  if (span.context.sampled) sink_.take(std::move(span));
}

}  // namespace weir::trace
