#include "io/zstd_stream.h"

#include <zstd.h>

#include <string>
#include <vector>

#include "base/check.h"

namespace weir::io {
namespace {

constexpr size_t input_bytes = 128u << 10;
constexpr int largest_window_log = 27;

}  // namespace

struct ZstdStream::State {
  ByteStream& compressed;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  std::vector<char> input = std::vector<char>(input_bytes);
  ZSTD_inBuffer in{};
  uint64_t input_begin = 0;  // offset of input[0] in the compressed input
  bool in_frame = false;
  bool seen_frame = false;
  bool ended = false;

  explicit State(ByteStream& stream) : compressed(stream) {
    WEIR_CHECK(context != nullptr, "zstd cannot start");
    in.src = input.data();
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, largest_window_log);
  }
  ~State() { ZSTD_freeDCtx(context); }

  tl::unexpected<Error> damaged(const std::string& what) const {
    return fail(ErrorCode::invalid_input,
                "damaged zstd data at byte " + std::to_string(input_begin + in.pos) + ": " + what,
                "write the file again");
  }

  // False: the input ends properly.
  Result<bool> ensure_input() {
    if (in.pos < in.size) return true;
    input_begin += in.size;
    in.size = in.pos = 0;
    in.size = WEIR_TRY(compressed.read(input.data(), input.size()));
    if (in.size > 0) return true;
    if (in_frame) return damaged("it is cut off");
    if (!seen_frame) return damaged("it is empty");
    return false;
  }
};

ZstdStream::ZstdStream(ByteStream& compressed) : state_(std::make_unique<State>(compressed)) {}
ZstdStream::~ZstdStream() = default;

Result<size_t> ZstdStream::read(char* buffer, size_t capacity) {
  State& state = *state_;
  ZSTD_outBuffer out{buffer, capacity, 0};
  // What the decoder holds back for want of room comes out first, without new input.
  bool flushing = state.in_frame;
  while (out.pos < out.size && !state.ended) {
    if (!flushing && !WEIR_TRY(state.ensure_input())) {
      state.ended = true;
      break;
    }
    const size_t out_before = out.pos;
    const size_t in_before = state.in.pos;
    const size_t status = ZSTD_decompressStream(state.context, &out, &state.in);
    if (ZSTD_isError(status)) return state.damaged(ZSTD_getErrorName(status));
    state.in_frame = status != 0;
    state.seen_frame = true;
    flushing = flushing && (out.pos > out_before || state.in.pos > in_before) && state.in_frame;
  }
  return out.pos;
}

}  // namespace weir::io
