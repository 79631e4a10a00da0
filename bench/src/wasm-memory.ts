/** Memory of WebAssembly, which Node does not count: every instance made after `watchWasm` is remembered. */
const memories = new Set<WebAssembly.Memory>();

/** Must come before the modules that are to be watched are imported. */
export function watchWasm(): void {
  const { Instance, instantiate } = WebAssembly;
  const remember = (instance: WebAssembly.Instance) => {
    for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.add(value);
    return instance;
  };
  WebAssembly.Instance = new Proxy(Instance, {
    construct: (target, [module, imports]) => remember(new target(module, imports)),
  });
  WebAssembly.instantiate = new Proxy(instantiate, {
    async apply(target, self, given) {
      const made = await Reflect.apply(target, self, given);
      remember('instance' in made ? made.instance : made);
      return made;
    },
  });
}

export function wasmBytes(): number {
  let bytes = 0;
  for (const { buffer } of memories) bytes += buffer.byteLength;
  return bytes;
}
