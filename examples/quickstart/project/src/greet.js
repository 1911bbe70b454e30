/** Greets by name; whoever gives none is greeted as a stranger. */
export function greet(name) {
  const known = typeof name === 'string' && name.trim() !== '';
  return `Hello, ${known ? name.trim() : 'stranger'}!`;
}
