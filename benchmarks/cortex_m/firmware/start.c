/* Vectors and memory of a bare-metal program under QEMU, which speaks to its host by semihosting. */
#include <stdint.h>

extern uint32_t stack_top;
extern char end;
extern void _start(void);

/* The floating-point unit, which MVE belongs to, is off after a reset. */
__attribute__((naked)) void reset(void) {
  __asm volatile("ldr r0, =0xE000ED88\n ldr r1, [r0]\n orr r1, #0xf00000\n str r1, [r0]\n dsb\n isb\n bl _start");
}

/* Ends the program with status 9. */
static void fault(void) {
  static const uint32_t told[2] = {0x20026, 9};
  __asm volatile("mov r0, #0x20\n mov r1, %0\n bkpt 0xab" ::"r"(told) : "r0", "r1");
  for (;;) {}
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};

static char *allocated = &end;

/* Memory between the program's variables and its stack. */
void *_sbrk(int more) {
  char *was = allocated;
  if (allocated + more > (char *)&stack_top - 0x40000) return (void *)-1;
  allocated += more;
  return was;
}
