/* A product of int8 vectors, marked for counting, on a bare machine that ends by a semihosting exit. */
#include <stdint.h>

#define LENGTH 64

extern uint32_t stack_top;
static int8_t left[LENGTH], right[LENGTH];
volatile int32_t result;

__attribute__((noinline)) static int32_t dot(const int8_t *one, const int8_t *other, int32_t length)
{
    int32_t sum = 0;
    for (int32_t place = 0; place < length; place++) {
        sum += one[place] * other[place];
    }
    return sum;
}

static void leave(void)
{
    __asm volatile("mov r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab");
    for (;;) {
    }
}

void reset(void)
{
    for (int32_t visit = 0; visit < VISITS; visit++) {
        __asm volatile("dbg #1" ::: "memory");
        result = dot(left, right, LENGTH);
        __asm volatile("dbg #2" ::: "memory");
    }
    leave();
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {&stack_top, (void *)reset, (void *)leave, (void *)leave};
