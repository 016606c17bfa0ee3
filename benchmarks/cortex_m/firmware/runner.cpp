// Runs model.pte once on input0.bin, input1.bin and so on, and writes output0.bin and so on. Prints the ticks of a timer
// that QEMU advances by the instruction. Ends with status 0, or prints what failed.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/runtime/executor/method.h>
#include <executorch/runtime/executor/program.h>
#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

using namespace executorch::runtime;

namespace {
constexpr size_t kMethod = 8 << 20, kTemporary = 1 << 20, kAlignment = 64;
volatile uint32_t* const kTimer = reinterpret_cast<uint32_t*>(0xE000E010);

uint8_t* allocated(size_t bytes) {
  return static_cast<uint8_t*>(memalign(kAlignment, bytes + kAlignment));
}

[[noreturn]] void fail(const char* what, Error error) {
  printf("%s: error 0x%x\n", what, static_cast<unsigned>(error));
  exit(2);
}

// The bytes of a file; ends the program if it cannot be read.
uint8_t* read(const char* name, size_t* bytes) {
  FILE* file = fopen(name, "rb");
  if (file == nullptr) fail(name, Error::AccessFailed);
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  fseek(file, 0, SEEK_SET);
  uint8_t* content = allocated(*bytes);
  if (fread(content, 1, *bytes, file) != *bytes) fail(name, Error::AccessFailed);
  fclose(file);
  return content;
}
} // namespace

extern "C" void et_pal_emit_log_message(et_timestamp_t, et_pal_log_level_t, const char*, const char*, size_t,
                                        const char* message, size_t) {
  printf("%s\n", message);
}
extern "C" void et_pal_abort() {
  printf("aborted\n");
  exit(3);
}
extern "C" et_timestamp_t et_pal_current_ticks() {
  return 0;
}

int main() {
  kTimer[1] = 0xFFFFFF;
  kTimer[2] = 0;
  kTimer[0] = 5; // the processor's clock, no interrupt
  runtime_init();
  size_t bytes = 0;
  const uint8_t* content = read("model.pte", &bytes);
  executorch::extension::BufferDataLoader loader(content, bytes);
  auto program = Program::load(&loader);
  if (!program.ok()) fail("the file", program.error());
  auto meta = program->method_meta("forward");
  if (!meta.ok()) fail("its method", meta.error());
  static Span<uint8_t> buffers[16];
  const size_t count = meta->num_memory_planned_buffers();
  for (size_t at = 0; at < count; at++) {
    const size_t size = meta->memory_planned_buffer_size(at).get();
    buffers[at] = {allocated(size), size};
  }
  HierarchicalAllocator planned({buffers, count});
  MemoryAllocator own(kMethod, allocated(kMethod)), temporary(kTemporary, allocated(kTemporary));
  MemoryManager manager(&own, &planned, &temporary);
  auto method = program->load_method("forward", &manager);
  if (!method.ok()) fail("its method", method.error());
  static EValue inputs[64];
  if (auto error = method->get_inputs(inputs, method->inputs_size()); error != Error::Ok) fail("its inputs", error);
  char name[32];
  for (size_t at = 0; at < method->inputs_size(); at++) {
    snprintf(name, sizeof name, "input%u.bin", static_cast<unsigned>(at));
    const uint8_t* given = read(name, &bytes);
    auto tensor = inputs[at].toTensor();
    if (tensor.nbytes() != bytes) fail(name, Error::InvalidArgument);
    memcpy(tensor.mutable_data_ptr(), given, bytes);
  }
  const uint32_t before = kTimer[2];
  const auto error = method->execute();
  const uint32_t after = kTimer[2];
  if (error != Error::Ok) fail("its execution", error);
  printf("ticks %lu\n", static_cast<unsigned long>((before - after) & 0xFFFFFF));
  for (size_t at = 0; at < method->outputs_size(); at++) {
    auto tensor = method->get_output(at).toTensor();
    snprintf(name, sizeof name, "output%u.bin", static_cast<unsigned>(at));
    FILE* file = fopen(name, "wb");
    if (file == nullptr || fwrite(tensor.const_data_ptr(), 1, tensor.nbytes(), file) != tensor.nbytes()) {
      fail(name, Error::AccessFailed);
    }
    fclose(file);
  }
  return 0;
}
