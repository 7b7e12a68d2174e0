// `tree` builds elements one by one: the pages' policy forbids turning text into HTML (Trusted Types).
export default {
  compilerOptions: { fragments: 'tree', css: 'external', runes: true },
};
